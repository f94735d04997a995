# libkfk: one Makefile, not recursive, every source named.
#
# It works without ./configure, which writes config.mk and with it other defaults for what is set
# with ?= below. `make help` lists the targets.

-include config.mk

VERSION := $(shell sed -n 's/^.define KFK_VERSION_STRING "\(.*\)"/\1/p' include/kfk/version.h)
SOVERSION := 1
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BINDIR ?= $(PREFIX)/bin
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
OBJCOPY ?= objcopy
PYTHON ?= python3
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
CXXFLAGS ?= -O2 -g
LIBS ?= -lssl -lcrypto -lz -llz4 -lzstd -lsnappy -lstdc++ -lm -lpthread
# A compiler newer than ours may warn of more: that stops a developer, and nobody who only builds.
WERROR ?= $(if $(wildcard .git),-Werror)
JOBS ?= $(or $(shell getconf _NPROCESSORS_ONLN 2>/dev/null),2)
export JOBS
PARALLEL = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

# Each set of flags has its own objects: build/release, build/asan, build/tsan.
SAN ?=
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tsan := -fsanitize=thread -fno-omit-frame-pointer
SANFLAGS := $(SAN_$(SAN))
ifneq ($(SAN),$(and $(SANFLAGS),$(SAN)))
$(error SAN is asan, tsan or nothing)
endif

# So has each other machine: build/i386, of 32 bits, and build/s390x, big-endian. Debian has cross
# compilers for them, and `tools/setup all` its libraries, of which the static ones are linked.
MACHINE ?=
TRIPLET_i386 := i686-linux-gnu
TRIPLET_s390x := s390x-linux-gnu
LOADER_i386 := ld-linux.so.2
LOADER_s390x := ld64.so.1
TRIPLET := $(TRIPLET_$(MACHINE))
ifneq ($(MACHINE),$(and $(TRIPLET),$(MACHINE)))
$(error MACHINE is i386, s390x or nothing)
endif
# What config.mk or the command line say is meant for the machine at hand.
ifneq ($(MACHINE),)
SYSROOT := $(or $(KFK_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/libkfk)/$(MACHINE)
CROSS_LIB := /usr/$(TRIPLET)/lib
override CC := $(TRIPLET)-gcc
override CXX := $(TRIPLET)-g++
override AR := $(TRIPLET)-ar
override OBJCOPY := $(TRIPLET)-objcopy
override CFLAGS := -O2 -g -Wno-psabi
override CXXFLAGS := -O2 -g -Wno-psabi
override CPPFLAGS := $(addprefix -isystem $(SYSROOT)/usr/include,/ /$(MACHINE)-linux-gnu)
override LDFLAGS := -L$(SYSROOT)/usr/lib/$(MACHINE)-linux-gnu -Wl,--disable-new-dtags \
	-Wl,-rpath,$(CROSS_LIB),--dynamic-linker,$(CROSS_LIB)/$(LOADER_$(MACHINE))
endif

BUILD := build
B := $(BUILD)/$(or $(MACHINE),$(SAN),release)
# A release tarball carries the generated sources in gen/; elsewhere they are made.
GEN := $(or $(wildcard gen),$(BUILD)/gen)

HARDEN := -fstack-protector-strong -fPIC -fno-plt -fvisibility=hidden -pthread
WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wundef $(WERROR)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Iinclude -Ilib -I$(GEN) $(WARN) $(HARDEN) $(SANFLAGS) \
	$(CPPFLAGS) $(CFLAGS)
ALL_CXXFLAGS = -std=c++11 -Iinclude -Ilib -Wall -Wextra $(WERROR) $(HARDEN) $(SANFLAGS) \
	$(CPPFLAGS) $(CXXFLAGS)

# ---- sources, by layer (lib/README.md) ----

BASE := arena buf crc32c error errtab fork heap ledger lock log log_limit map mem metrics \
	metrics_text murmur2 uuid version
PROTO := api blob data decode encode header message piece
COMPRESS := compress gzip lz4 snappy zstd
CONFIG := assignor check check_group config duration getter hostport load nearest \
	properties property setting value
NET := addr env_posix helper loop poller poller_epoll poller_poll resolver socket thread \
	transport_tcp waiter
RECORD := batch cursor message read write
CLIENT := bootstrap client exchange input metadata metrics node options request retry standing \
	throttle versions
GROUPIO := commit coordinator fetch groupio meta offsets slots
MEMBERSHIP := assignors beat claims classic classic_join custom lead member membership \
	mixed modern names order parts racks range reconcile roster roundrobin sticky \
	subscription tips uniform userdata verify wanted
ADMIN := admin changes cluster configs coordinated describe describe_groups \
	group_offsets groups reassignments remove_members result topics
PRODUCER := accumulator append delivery dispatch identity kept metrics outbox outcome \
	partitioner pool produce producer producer_batch regroup schedule send sender_step \
	sequence settle topics
CONSUMER := aborted answer ask assign async committed consumer fetch fetcher handover lane \
	marking marks metrics offsets place poll question receive records session shared \
	speaker subscribe
GROUP := call calls commits group letter metrics runs serve work
DEVBROKER := answer api_configs api_consumer_groups api_fetch api_group_admin api_groups \
	api_membership api_metadata api_offsets api_partitions api_produce api_topics \
	api_versions apis assignor call classic classic_join cluster committed config \
	conn consumers control control_groups coordinate copy devbroker fault groups log \
	members migrate modern modern_classic parked parts placement plan producers \
	profile rebalance reconcile records reply sessions subscription text timers \
	topic transactions validate
CXX_SRC := lib/compress/snappy_shim.cc
TOOLS := args assignment broker console consume date describe deserializer exception \
	expression format group_delete group_describe group_ids group_list group_members \
	group_plan group_reset group_scope groups kfk lines names offsets pairs pattern \
	payload perf perf_consume perf_produce produce re2 reader rules scope stats text \
	throttle tool topics
# Kafka's system tests can run a client by these: kfk-verifiable-producer and -consumer.
VERIFIABLE := consumer event producer

# One schema file an API, or a message of no API: lib/proto/schema/NAME.kfk.
SCHEMAS := api_versions consumer_group_describe consumer_group_heartbeat \
	consumer_protocol_assignment consumer_protocol_subscription create_partitions \
	create_topics delete_groups delete_topics describe_configs describe_groups \
	describe_topic_partitions fetch find_coordinator heartbeat init_producer_id join_group \
	leave_group list_groups list_offsets list_partition_reassignments metadata \
	offset_commit offset_delete offset_fetch offset_for_leader_epoch produce sync_group

# What is installed: include/kfk/NAME.h, man/NAME.SECTION, and the pages that tools/mkman makes.
PUBLIC := admin admin_groups assignor config consumer error group kafka_errors kfk \
	metrics producer records types version
MAN := kfk.1 kfk.3 kfk_admin.3 kfk_admin_groups.3 kfk_config.3 kfk_consumer.3 kfk_error.3 \
	kfk_group.3 kfk_metrics.3 kfk_producer.3 kfk_records.3 kfk-from-librdkafka.7 \
	kfk-from-sarama.7
MADE_MAN := kfk-config.5 kfk-errors.7

LIB_SRC := $(BASE:%=lib/base/%.c) $(PROTO:%=lib/proto/%.c) $(COMPRESS:%=lib/compress/%.c) \
	$(CONFIG:%=lib/config/%.c) $(NET:%=lib/net/%.c) $(RECORD:%=lib/record/%.c) \
	$(CLIENT:%=lib/client/%.c) $(GROUPIO:%=lib/groupio/%.c) $(ADMIN:%=lib/admin/%.c) \
	$(MEMBERSHIP:%=lib/membership/%.c) \
	$(PRODUCER:%=lib/producer/%.c) $(CONSUMER:%=lib/consumer/%.c) \
	$(GROUP:%=lib/group/%.c)
BROKER_SRC := $(DEVBROKER:%=lib/devbroker/%.c)
TOOL_SRC := $(TOOLS:%=tools/kfk/%.c)
VERIFIABLE_SRC := $(VERIFIABLE:%=tools/verifiable/%.c)
GEN_SRC := $(SCHEMAS:%=$(GEN)/proto/%.c) $(GEN)/proto/apis.c
GEN_HDR := $(SCHEMAS:%=$(GEN)/proto/%.h)
HEADERS := $(PUBLIC:%=include/kfk/%.h)
MAN_SRC := $(MAN:%=man/%) $(MADE_MAN:%=$(GEN)/man/%)

obj = $(patsubst %,$(B)/%.o,$(basename $(1:$(BUILD)/%=%)))
LIB_OBJ := $(call obj,$(LIB_SRC) $(CXX_SRC) $(GEN_SRC))
BROKER_OBJ := $(call obj,$(BROKER_SRC))
TOOL_OBJ := $(call obj,$(TOOL_SRC))
VERIFIABLE_OBJ := $(call obj,$(VERIFIABLE_SRC))
VERIFIABLE_PARTS := $(call obj,tools/verifiable/event.c tools/kfk/args.c tools/kfk/exception.c \
	tools/kfk/text.c tools/kfk/throttle.c tools/kfk/tool.c)

SONAME := libkfk.so.$(SOVERSION)
SO := $(B)/$(SONAME)
A := $(B)/libkfk.a
KFK := $(if $(TOOLS),$(B)/kfk)
VERIFIERS := $(if $(TOOLS),$(B)/kfk-verifiable-producer $(B)/kfk-verifiable-consumer)

.PHONY: all
all: $(SO) $(A) $(KFK) $(VERIFIERS) $(B)/libkfk.pc $(MAN_SRC) ## the library, static and shared, and kfk (the default)

# `$(call run,CC,NAME)COMMAND` runs COMMAND and shows "CC NAME", or with V=1 the command itself.
run = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2); )
Q := $(if $(V),,@)

# ---- the library ----

# What tests link: every object, with the internal symbols still visible.
$(B)/internal.a: $(LIB_OBJ) $(BROKER_OBJ) Makefile
	$(Q)rm -f $@
	$(call run,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

# A sanitizer's run-time library is the program's, so its symbols stay undefined here.
SO_FLAGS = -shared -Wl,-soname,$(SONAME) -Wl,--version-script=lib/libkfk.map \
	-Wl,-z,nodelete,-z,relro,-z,now,-z,noexecstack $(if $(SAN),,-Wl,-z,defs)
$(SO): $(LIB_OBJ) lib/libkfk.map $(B)/flags Makefile
	$(call run,LD,$@)$(CC) $(SO_FLAGS) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $(LIB_OBJ) $(LIBS)
	$(Q)ln -sf $(SONAME) $(B)/libkfk.so

# One object, in which internal symbols are local, so that they cannot clash with a program's.
A_FLAGS = -r -nostdlib $(if $(findstring -flto,$(CFLAGS)),$(CFLAGS) -flinker-output=nolto-rel)
$(A): $(LIB_OBJ) $(B)/flags Makefile
	$(Q)rm -f $@
	$(call run,AR,$@)$(CC) $(A_FLAGS) -o $(B)/libkfk.o $(LIB_OBJ)
	$(Q)$(OBJCOPY) --localize-hidden $(B)/libkfk.o
	$(Q)$(AR) rcs $@ $(B)/libkfk.o

PC = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' pkgconfig/libkfk.pc.in
$(B)/libkfk.pc: pkgconfig/libkfk.pc.in Makefile $(wildcard config.mk) include/kfk/version.h
	$(Q)mkdir -p $(@D)
	$(Q)$(PC) > $@

$(B)/kfk: $(TOOL_OBJ) $(BROKER_OBJ) $(LIB_OBJ) $(B)/flags Makefile
	$(call run,LD,$@)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

# Programs like a user's: they link the library, and are not installed.
$(VERIFIERS): $(B)/kfk-verifiable-%: $(B)/tools/verifiable/%.o $(VERIFIABLE_PARTS) $(A) $(B)/flags Makefile
	$(call run,LD,$@)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

# ---- generated sources ----

.SECONDARY: $(GEN_SRC) $(GEN_HDR)
$(GEN)/proto/%.c $(GEN)/proto/%.h: lib/proto/schema/%.kfk tools/schemac
	$(Q)mkdir -p $(@D)
	$(call run,SCHEMA,$<)$(PYTHON) tools/schemac $< $(GEN)/proto

$(GEN)/proto/apis.c: $(SCHEMAS:%=lib/proto/schema/%.kfk) tools/schemac
	$(Q)mkdir -p $(@D)
	$(call run,SCHEMA,$@)$(PYTHON) tools/schemac --table $(filter %.kfk,$^) > $@.tmp
	$(Q)mv $@.tmp $@

.PHONY: generated
generated: $(GEN_SRC) $(GEN_HDR) $(MADE_MAN:%=$(GEN)/man/%)

$(GEN)/man/kfk-config.5: $(wildcard lib/config/property_*.def)
$(GEN)/man/kfk-errors.7: $(wildcard lib/base/errtab_*.def)
$(MADE_MAN:%=$(GEN)/man/%): tools/mkman include/kfk/version.h
	$(Q)mkdir -p $(@D)
	$(call run,MAN,$@)$(PYTHON) tools/mkman $(@F) > $@.tmp
	$(Q)mv $@.tmp $@

# ---- objects ----

COMPILE = $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.o: %.c $(B)/flags | $(GEN_HDR)
	$(Q)mkdir -p $(@D)
	$(call run,CC,$@)$(COMPILE)

$(B)/gen/%.o: $(GEN)/%.c $(B)/flags | $(GEN_HDR)
	$(Q)mkdir -p $(@D)
	$(call run,CC,$@)$(COMPILE)

$(B)/%.o: %.cc $(B)/flags
	$(Q)mkdir -p $(@D)
	$(call run,CXX,$@)$(CXX) $(ALL_CXXFLAGS) -MMD -MP -c -o $@ $<

# Changes when the compiler or its flags do, and then everything is built again.
FLAGS := $(CC) $(ALL_CFLAGS) $(CXX) $(ALL_CXXFLAGS) $(LDFLAGS) $(LIBS)
ifneq ($(FLAGS),$(file < $(B)/flags))
$(shell mkdir -p $(B))
$(file > $(B)/flags,$(FLAGS))
endif

include tests/tests.mk

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- make demo ----

# A program like a user's: it sees the public headers and links the library.
DEMO := $(B)/tools/demo
$(DEMO): tools/demo.c $(A) $(B)/flags
	$(Q)mkdir -p $(@D)
	$(call run,CC,$@)$(CC) -std=c11 -D_GNU_SOURCE -Iinclude $(WARN) $(SANFLAGS) -pthread \
		$(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c %.a,$^) $(LDFLAGS) $(LIBS)

KAFKA ?=
DEMO_BROKER = $(if $(KAFKA),tests/kafka/kafka run 4.3.1 1 --,tools/withbroker $(B)/kfk)

.PHONY: demo
demo: ## sets up and shows the library at work, on its own broker (KAFKA=1: on a real one)
	$(Q)tools/setup $(if $(KAFKA),test,build)
	+$(Q)$(PARALLEL) -q all $(DEMO) 2>/dev/null || echo 'demo: building libkfk'
	+$(Q)$(PARALLEL) all $(DEMO) $(if $(V),,>/dev/null)
	@echo 'demo: starting $(if $(KAFKA),Kafka 4.3.1,the embedded broker)'
	$(Q)$(DEMO_BROKER) $(DEMO)

# ---- install ----

.PHONY: install uninstall configure dist clean distclean help

PAGES = $(foreach p,$(notdir $(MAN_SRC)),$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $p))/$p)
INSTALLED = $(HEADERS:include/%=$(DESTDIR)$(INCLUDEDIR)/%) $(PAGES) \
	$(addprefix $(DESTDIR)$(LIBDIR)/,libkfk.a libkfk.so $(SONAME) pkgconfig/libkfk.pc) \
	$(KFK:$(B)/%=$(DESTDIR)$(BINDIR)/%)

install: all ## PREFIX= LIBDIR= DESTDIR=
	install -d $(sort $(dir $(INSTALLED)))
	install -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)/kfk
	install -m 755 $(SO) $(DESTDIR)$(LIBDIR)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libkfk.so
	install -m 644 $(A) $(DESTDIR)$(LIBDIR)
	$(PC) > $(DESTDIR)$(LIBDIR)/pkgconfig/libkfk.pc
	$(if $(KFK),install -m 755 $(KFK) $(DESTDIR)$(BINDIR))
	for p in $(MAN_SRC); do \
		install -m 644 $$p $(DESTDIR)$(MANDIR)/man$${p##*.} || exit 1; done

uninstall: ## takes away what install put there, with the same variables
	rm -f $(INSTALLED)
	$(Q)rmdir $(DESTDIR)$(INCLUDEDIR)/kfk 2>/dev/null || true

# ---- releases ----

configure: ## makes ./configure, which is optional
	autoconf

# The committed files, and what programs make of them that a user need not have: configure, gen/.
DIST := libkfk-$(VERSION)
dist: ## build/libkfk-VERSION.tar.gz, of the last commit
	$(Q)rm -rf $(BUILD)/$(DIST)
	$(Q)mkdir -p $(BUILD)
	git archive --prefix=$(DIST)/ HEAD | tar -x -C $(BUILD)
	cd $(BUILD)/$(DIST) && autoconf && rm -rf autom4te.cache
	$(MAKE) -C $(BUILD)/$(DIST) GEN=gen BUILD=build generated
	$(Q)rm -rf $(BUILD)/$(DIST)/build
	tar -c --format=ustar --sort=name --mtime=$$(git log -1 --format=@%ct) --owner=0 --group=0 \
		--numeric-owner -C $(BUILD) $(DIST) | gzip -9n > $(BUILD)/$(DIST).tar.gz
	$(Q)rm -rf $(BUILD)/$(DIST)

clean: ## what make made
	rm -rf $(BUILD)

distclean: clean ## what configure made, too
	rm -rf config.mk config.log config.status autom4te.cache

help: ## this
	@sed -n 's/^\([a-z-]*\):[^=]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo
	@echo 'CC= CXX= CFLAGS= CXXFLAGS= CPPFLAGS= LDFLAGS=  as ever'
	@echo 'SAN=asan|tsan  with sanitizers, in build/asan, build/tsan      V=1  whole commands'
	@echo 'MACHINE=i386|s390x  for another machine, in build/i386, build/s390x'
