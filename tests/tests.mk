# The tests, included by the Makefile. Every program is named; tools/runtests runs them and adds up.

CHECK_LIBS = -lcheck -lsubunit -lm -lrt -lpthread

# tests/unit/FOLDER/test_NAME.c, one for each file of lib/ that has something to test.
UNIT := admin/admin admin/changes admin/groups admin/result base/arena base/buf \
	base/bytes base/crc32c base/error base/errtab base/fork base/heap base/ledger \
	base/list base/lock base/log base/log_limit base/map base/mem base/metrics \
	base/metrics_text base/murmur2 base/secret base/uuid base/varint \
	client/bootstrap client/exchange client/input client/metadata client/metrics \
	client/request client/retry client/throttle client/versions compress/compress \
	compress/gzip compress/lz4 compress/snappy compress/zstd config/assignor \
	config/check config/check_group config/config config/duration config/hostport \
	config/load config/properties config/property config/value consumer/aborted \
	consumer/marking consumer/marks consumer/place consumer/question \
	consumer/records consumer/session consumer/shared consumer/threads \
	devbroker/api_describe devbroker/api_fetch devbroker/api_group_admin \
	devbroker/api_groups devbroker/api_metadata devbroker/api_offsets \
	devbroker/api_produce devbroker/api_topics devbroker/api_versions devbroker/call \
	devbroker/classic devbroker/config devbroker/control_groups devbroker/devbroker \
	devbroker/fault devbroker/followers devbroker/log devbroker/migrate \
	devbroker/modern devbroker/plan devbroker/producers devbroker/records \
	devbroker/sessions devbroker/transactions group/threads groupio/commit \
	groupio/coordinator groupio/fetch groupio/slots handles/fd handles/fork \
	handles/threads membership/assignors membership/claims membership/custom \
	membership/golden membership/order membership/parts membership/range \
	membership/roster membership/roundrobin membership/sticky \
	membership/subscription membership/tips membership/userdata membership/wanted \
	net/addr net/env_posix net/helper net/loop net/poller net/resolver net/socket \
	net/thread net/transport_tcp net/waiter producer/partitioner \
	producer/pool producer/producer_batch producer/threads producer/topics proto/api proto/blob \
	proto/data proto/decode proto/encode proto/header proto/message proto/piece \
	record/batch record/cursor record/golden record/message record/read record/write \
	tools/args tools/date tools/deserializer tools/expression tools/lines tools/re2

# Scripts that test what make makes, and the tools that the tests rely on.
BUILD_TESTS := schemac layers runtests headers exports metrics install configure make dist

UNIT_BIN := $(foreach t,$(UNIT),$(B)/tests/unit/$(dir $(t))test_$(notdir $(t)))

TEST_COMPILE = $(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -Itests -MMD -MP -MF $@.d -o $@ \
	$(filter %.c %.o,$^) $(filter %.a,$^) $(LDFLAGS) $(LIBS) $(CHECK_LIBS)

# The parts of kfk that a test is about.
$(B)/tests/unit/tools/test_args: $(call obj,tools/kfk/args.c)
$(B)/tests/unit/tools/test_date: $(call obj,tools/kfk/date.c)
$(B)/tests/unit/tools/test_deserializer: $(call obj,tools/kfk/deserializer.c tools/kfk/text.c)
$(B)/tests/unit/tools/test_expression: $(call obj,tools/kfk/expression.c)
$(B)/tests/unit/tools/test_lines: $(call obj,tools/kfk/lines.c tools/kfk/pattern.c \
	tools/kfk/tool.c tools/kfk/args.c)
$(B)/tests/unit/tools/test_re2: $(call obj,tools/kfk/re2.c)

# The allocator that fails on command is the simulator's, which has no part in it.
FAILALLOC := $(call obj,tests/sim/failalloc.c)
$(FAILALLOC): ALL_CFLAGS += -Itests

$(B)/tests/unit/%: tests/unit/%.c $(FAILALLOC) $(B)/internal.a $(B)/flags | $(GEN_HDR)
	$(Q)mkdir -p $(@D)
	$(call run,TEST,$@)$(TEST_COMPILE)

# ---- the simulator: the library a second time, with locks that are switch points ----

# tests/sim/test_NAME.c, each with the simulator's parts. ThreadSanitizer sees fibers as threads;
# the parts that are all of them at once are compiled without it (tests/sim/hb.h).
SIM := alloc async away bad_records checks client consumer dispatch failalloc fetching group group_alloc \
	group_checks group_codes group_dispatch group_ends group_failures group_listeners \
	group_seeds group_shares group_workers groupio lanes link log malformed members metadata \
	metrics mistakes modern names net outcomes partitioner producer questions \
	read_checks reassign regroup reuse routing sched seeds sequences settings sim subscribe \
	timers versions
SIM_PARTS := fiber link locks names sched simenv simnet simpoll timers
SIM_HELPERS := crew failalloc groups rig wire world

S := $(B)/sim
SIM_BIN := $(SIM:%=$(S)/test_%)
SIM_LIB_OBJ := $(patsubst $(B)/%,$(S)/%,$(LIB_OBJ) $(BROKER_OBJ))
SIM_PART_OBJ := $(SIM_PARTS:%=$(S)/tests/sim/%.o)
SIM_CFLAGS := -DKFK_SIM -Itests
ifeq ($(SAN),tsan)
$(SIM_PART_OBJ): SIM_CFLAGS += -DSIM_TSAN -fno-sanitize=thread
endif

$(S)/gen/%.o: $(GEN)/%.c $(B)/flags | $(GEN_HDR)
	$(Q)mkdir -p $(@D)
	$(call run,CC,$@)$(CC) $(ALL_CFLAGS) $(SIM_CFLAGS) -MMD -MP -c -o $@ $<

$(S)/%.o: %.c $(B)/flags | $(GEN_HDR)
	$(Q)mkdir -p $(@D)
	$(call run,CC,$@)$(CC) $(ALL_CFLAGS) $(SIM_CFLAGS) -MMD -MP -c -o $@ $<

$(S)/%.o: %.cc $(B)/flags
	$(Q)mkdir -p $(@D)
	$(call run,CXX,$@)$(CXX) $(ALL_CXXFLAGS) -DKFK_SIM -MMD -MP -c -o $@ $<

$(S)/internal.a: $(SIM_LIB_OBJ) Makefile
	$(Q)rm -f $@
	$(call run,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

$(S)/test_%: $(S)/tests/sim/test_%.o $(SIM_PART_OBJ) $(SIM_HELPERS:%=$(S)/tests/sim/%.o) \
		$(S)/internal.a
	$(call run,TEST,$@)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(CHECK_LIBS)

.PRECIOUS: $(S)/tests/sim/%.o

# ---- librdkafka's side of what is tested and measured against it, where it is found ----

RDK := $(shell $(PKG_CONFIG) --libs rdkafka 2>/dev/null)

# tests/interop/README.md
INTEROP := batch_tool kfk_consume kfk_member kfk_produce kfk_reader \
	$(if $(RDK),partitions rdk_consume rdk_produce)
INTEROP_BIN := $(B)/tests/unit/membership/test_golden $(INTEROP:%=$(B)/tests/interop/%)

# The clients see what a program sees.
INTEROP_COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -Iinclude $(WARN) -pthread $(SANFLAGS) $(CPPFLAGS) \
	$(CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c %.a,$^) $(LDFLAGS)

$(B)/tests/interop/kfk_%: tests/interop/kfk_%.c $(A) $(B)/flags
	$(Q)mkdir -p $(@D)
	$(call run,TEST,$@)$(INTEROP_COMPILE) $(LIBS)

$(B)/tests/interop/rdk_%: tests/interop/rdk_%.c $(B)/flags
	$(Q)mkdir -p $(@D)
	$(call run,TEST,$@)$(INTEROP_COMPILE) $(RDK)

$(B)/tests/interop/batch_tool: tests/interop/batch_tool.c $(B)/internal.a $(B)/flags | $(GEN_HDR)
	$(Q)mkdir -p $(@D)
	$(call run,TEST,$@)$(TEST_COMPILE)

$(B)/tests/interop/partitions: tests/interop/partitions.c $(B)/internal.a $(B)/flags | $(GEN_HDR)
	$(Q)mkdir -p $(@D)
	$(call run,TEST,$@)$(TEST_COMPILE) $(RDK)

# Members of groups by clients in Go, or none; what is to be done, go knows.
.PHONY: go-members
go-members:
	$(Q)tests/interop/go/build $(B)/tests/interop

# tests/bench/README.md. A client of ours sees what a program sees.
BENCH_BIN := $(addprefix $(B)/tests/bench/,nullbroker bench_assign bench_codec bench_kfk \
	$(if $(RDK),bench_rdk))
BENCH_COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -Iinclude $(WARN) -pthread $(CPPFLAGS) $(CFLAGS) \
	-MMD -MP -MF $@.d -o $@ $(filter %.c %.a,$^) $(LDFLAGS)

$(BENCH_BIN): $(B)/tests/bench/%: tests/bench/%.c $(B)/flags
	$(Q)mkdir -p $(@D)
	$(call run,BENCH,$@)$(BENCH_COMPILE) $(BENCH_LIBS)

$(B)/tests/bench/bench_kfk: tests/bench/bench.c $(A)
$(B)/tests/bench/bench_kfk: BENCH_LIBS = $(LIBS)
BENCH_INSIDE := $(addprefix $(B)/tests/bench/,bench_assign bench_codec)
$(BENCH_INSIDE): $(B)/internal.a | $(GEN_HDR)
$(BENCH_INSIDE): BENCH_LIBS = $(LIBS)
$(BENCH_INSIDE): CPPFLAGS += -Ilib
$(B)/tests/bench/bench_rdk: tests/bench/bench.c
$(B)/tests/bench/bench_rdk: BENCH_LIBS = $(RDK)

# ---- targets ----

.PHONY: check check-all stages test-programs unit sim interop chaos-groups bench

unit: $(UNIT_BIN) ## the unit tests alone
	$(Q)tools/runtests $(UNIT_BIN)

SEED :=
SEEDS :=
SIM_RUN = $(if $(SEED)$(SEEDS),'TIMEOUT=86400 $(SEED:%=SIM_SEED=%) $(SEEDS:%=SIM_SEEDS=%) \
	$(S)/test_seeds',$(SIM_BIN))
sim: $(if $(SEED)$(SEEDS),$(S)/test_seeds,$(SIM_BIN)) ## the simulator's tests alone (SEED=17: that one)
	$(Q)tools/runtests $(SIM_RUN)

.PHONY: sim-groups
sim-groups: $(S)/test_group_seeds ## random members of groups in the simulator (SEED=17: that one; SEEDS=1000)
	$(Q)tools/runtests 'TIMEOUT=86400 $(SEED:%=SIM_SEED=%) $(SEEDS:%=SIM_SEEDS=%) $(S)/test_group_seeds'

CROSS = tests/kafka/kafka run 4.3.1 1 num.partitions=3 log.retention.ms=-1 -- tests/interop/cross
interop: $(INTEROP_BIN) go-members ## clients against each other, on a real broker
	$(Q)tools/runtests $(STAGE_interop)

EVENTS := 40
KINDS :=
CHAOS = tests/kafka/kafka run 4.3.1 3 group.consumer.heartbeat.interval.ms=500 -- tests/chaos/groups
chaos-groups: all ## groups while members and brokers come, go and die (SEED= EVENTS=40 KINDS=)
	$(Q)tools/setup test
	$(Q)KFK_KAFKA_LOG=info $(CHAOS) $(B) $(SEED:%=--seed %) --events $(EVENTS) $(KINDS)

BENCH :=
bench: $(BENCH_BIN) ## libkfk and librdkafka side by side
	$(Q)tests/bench/run build=$(B) $(BENCH)

# ---- make check ----

# Stages, in order. Each is a list of command lines for tools/runtests, which runs them all and
# tells one sum.
STAGE_layers = '$(PYTHON) tools/checklayers --archive $(BUILD)/release/libkfk.a'
STAGE_build = $(BUILD_TESTS:%=tests/build/%)
STAGE_sabotage = 'TIMEOUT=900 tests/build/sabotage'
STAGE_release = $(patsubst $(B)/%,$(BUILD)/release/%,$(UNIT_BIN) $(SIM_BIN))
STAGE_asan = $(patsubst $(B)/%,$(BUILD)/asan/%,$(UNIT_BIN) $(SIM_BIN))
STAGE_tsan = $(patsubst $(B)/%,$(BUILD)/tsan/%,$(UNIT_BIN) $(SIM_BIN))
STAGE_schema = tests/interop/schema_check.py
STAGE_interop = 'tests/interop/batch_check.sh $(BUILD)/release/tests/interop/batch_tool' \
	'TIMEOUT=300 tests/interop/assign_check.sh $(BUILD)/release/tests/unit/membership/test_golden' \
	$(if $(RDK),$(BUILD)/release/tests/interop/partitions) \
	'TIMEOUT=600 ALONE=1 $(CROSS) $(BUILD)/release/tests/interop' \
	'TIMEOUT=300 ALONE=1 tools/withbroker $(BUILD)/release/kfk tests/interop/groups' \
	'TIMEOUT=300 ALONE=1 tests/kafka/kafka run 4.3.1 1 -- tests/interop/groups' \
	'TIMEOUT=600 tools/withbroker $(BUILD)/release/kfk $(QUICK_GROUPS) -- $(MEMBERS)' \
	'TIMEOUT=600 tests/kafka/kafka run 4.3.1 1 -- $(MEMBERS)'
# As real brokers are told for tests. The two wait most of the time, and so run side by side.
QUICK_GROUPS = --group-consumer-session-timeout 6000 --group-consumer-heartbeat-interval 1000
MEMBERS = tests/interop/members $(BUILD)/release/tests/interop
STAGE_docs = '$(PYTHON) tests/docs/check.py --self-test' '$(PYTHON) tests/docs/check.py $(GEN)/man' \
	'TIMEOUT=300 tests/docs/examples'
STAGE_topics = 'TIMEOUT=300 ALONE=1 tests/kafka/topics $(BUILD)/release/kfk'
KAFKA_RUN = tests/kafka/kafka run 4.3.1
STAGE_tools = \
	'TIMEOUT=600 ALONE=1 tests/kafka/groups $(BUILD)/release/kfk' \
	'TIMEOUT=300 ALONE=1 tests/kafka/produce $(BUILD)/release/kfk' \
	'TIMEOUT=300 ALONE=1 $(KAFKA_RUN) 1 log.retention.ms=-1 -- tests/kafka/consume $(BUILD)/release/kfk' \
	'tools/withbroker $(BUILD)/release/kfk tests/kafka/consume_live $(BUILD)/release/kfk' \
	'tools/withbroker $(BUILD)/release/kfk tests/kafka/verifiable_producer $(BUILD)/release' \
	'TIMEOUT=300 ALONE=1 $(KAFKA_RUN) 1 -- tests/kafka/verifiable_producer $(BUILD)/release' \
	'tools/withbroker $(BUILD)/release/kfk tests/kafka/verifiable_consumer $(BUILD)/release' \
	'TIMEOUT=600 ALONE=1 $(KAFKA_RUN) 1 -- tests/kafka/verifiable_consumer $(BUILD)/release'
COMPAT = -- tests/kafka/compat
SELECTOR = org.apache.kafka.common.replica.RackAwareReplicaSelector
CONSUME = 3 broker.rack=rack-{node} replica.selector.class=$(SELECTOR) log.retention.ms=-1 \
	$(COMPAT) consume $(BUILD)/release/tests/interop
FEW_SESSIONS = 1 max.incremental.fetch.session.cache.slots=8 log.retention.ms=-1
OFFSETS = $(FEW_SESSIONS) $(COMPAT) offsets $(BUILD)/release/tests/interop
EVICTION = $(FEW_SESSIONS) $(COMPAT) eviction $(BUILD)/release/tests/interop
STAGE_kafka = \
	'TIMEOUT=900 ALONE=1 $(KAFKA_RUN) 3 -- tests/kafka/group_roll $(BUILD)/release' \
	'TIMEOUT=600 ALONE=1 $(KAFKA_RUN) 1 num.partitions=3 log.retention.ms=-1 $(COMPAT) records $(BUILD)/release/tests/interop' \
	'TIMEOUT=600 ALONE=1 $(KAFKA_RUN) 3 num.partitions=6 log.retention.ms=-1 $(COMPAT) leaders $(BUILD)/release/tests/interop' \
	'TIMEOUT=600 ALONE=1 $(KAFKA_RUN) $(CONSUME)' \
	'TIMEOUT=600 ALONE=1 $(KAFKA_RUN) $(OFFSETS)' \
	'TIMEOUT=600 ALONE=1 $(KAFKA_RUN) 1 $(COMPAT) reach $(BUILD)/release/tests/interop' \
	'TIMEOUT=600 ALONE=1 $(KAFKA_RUN) 1 advertised.listeners=PLAINTEXT://no.such.host.invalid:9092 $(COMPAT) advertised $(BUILD)/release/tests/interop'
STAGE_chaos = tests/chaos/self_test \
	'TIMEOUT=900 ALONE=1 KFK_KAFKA_LOG=info $(CHAOS) $(BUILD)/release --seed 1 --events 10'
STAGES := layers schema docs build release asan tsan interop topics tools kafka chaos

# The rest is `make check-all`. A stage that this machine lacks something for is one line, which
# says what, and is counted as skipped.
MORE_STAGES := sabotage compat valgrind i386 s390x
lacks = $(shell tools/setup lacks $(1))
or_skip = $(call skip_if,$(call lacks,$(1)),$(1),$(2))
skip_if = $(if $(1),'SKIP="$(1)" $(2)',$(3))

OLD_KAFKA := 3.9.2 2.8.2 2.4.1 2.1.1
OLD_RUN = TIMEOUT=600 ALONE=1 tests/kafka/kafka run
STAGE_compat = \
	'$(OLD_RUN) 2.8.2 1 log.retention.ms=-1 $(COMPAT) formats $(BUILD)/release/tests/interop' \
	$(foreach v,$(OLD_KAFKA),\
	'$(OLD_RUN) $v 1 num.partitions=3 log.retention.ms=-1 $(COMPAT) records $(BUILD)/release/tests/interop' \
	'$(OLD_RUN) $v 3 num.partitions=6 log.retention.ms=-1 $(COMPAT) leaders $(BUILD)/release/tests/interop' \
	'$(OLD_RUN) $v $(CONSUME)' \
	'$(OLD_RUN) $v $(OFFSETS)') \
	$(foreach v,4.3.1 2.1.1,'$(OLD_RUN) $v $(EVICTION)') \
	'TIMEOUT=900 ALONE=1 $(KAFKA_RUN) 3 num.partitions=6 log.retention.ms=-1 $(COMPAT) leaders $(BUILD)/release/tests/interop 3'

# Left out: what counts descriptors, of which valgrind keeps some; what glibc loses of a name that
# it looks up while the process ends; what a child of fork loses on purpose; and a hundred thousand
# damaged records. Of the simulator's tests there are those that run the library, without a fork for
# each, as they need none.
check check-all: export VALGRIND_OPTS := -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite \
	--errors-for-leak-kinds=definite
VALGRIND_NOT := base/ledger handles/fork net/helper net/resolver net/socket record/read
VALGRIND_UNIT := $(filter-out $(VALGRIND_NOT),$(UNIT))
VALGRIND_SIM := client consumer metadata producer seeds
unit_of = $(foreach t,$(1),$(BUILD)/$(2)/tests/unit/$(dir $t)test_$(notdir $t))
STAGE_valgrind = $(call or_skip,valgrind,\
	$(VALGRIND_SIM:%='TIMEOUT=600 CK_FORK=no valgrind $(BUILD)/release/sim/test_%') \
	$(patsubst %,'TIMEOUT=600 CK_TIMEOUT_MULTIPLIER=10 valgrind %',\
	$(call unit_of,$(VALGRIND_UNIT),release)))

STAGE_i386 = $(call or_skip,i386,$(patsubst $(B)/%,$(BUILD)/i386/%,$(UNIT_BIN) $(SIM_BIN)))

# qemu keeps a signal for itself, which no mask shows, and cannot fork a process with threads.
QEMU_NOT := handles/fork handles/threads net/helper net/thread
STAGE_s390x = $(call or_skip,s390x,$(patsubst %,\
	'TIMEOUT=600 CK_TIMEOUT_MULTIPLIER=10 qemu-s390x $(BUILD)/s390x/%',\
	$(SIM:%=sim/test_%) $(patsubst $(BUILD)/s390x/%,%,\
	$(call unit_of,$(filter-out $(QEMU_NOT),$(UNIT)),s390x))))

# The scripts among them build with the same programs.
export CC CXX OBJCOPY PYTHON

BUILD_VARIANT = $(PARALLEL) $(if $(V),,-s) SAN=$(filter asan tsan,$(1)) \
	MACHINE=$(filter i386 s390x,$(1))
# The builds that stages need: their own, but for those that test the release.
BUILDS = $(filter release asan tsan,$(patsubst valgrind,release,$(STAGES:sabotage=release))) \
	$(foreach s,$(filter i386 s390x,$(STAGES)),$(if $(call lacks,$s),,$s))

check: ## sets up and passes every test (STAGES="layers release": only these of them)
	$(Q)tools/setup test
	+$(Q)$(MAKE) --no-print-directory stages

check-all: STAGES += $(MORE_STAGES)
check-all: ## old brokers, valgrind, 32 bits and big-endian as well (STAGES="i386": only that)
	$(Q)tools/setup all
	+$(Q)$(MAKE) --no-print-directory stages STAGES='$(STAGES)'

# A make of its own, which sees what was installed.
stages:
	+$(Q)$(call BUILD_VARIANT,release) all go-members \
		$(patsubst $(B)/%,$(BUILD)/release/%,$(INTEROP_BIN))
	+$(Q)$(foreach s,$(sort $(BUILDS)),$(call BUILD_VARIANT,$s) test-programs &&) true
	$(Q)tools/runtests $(foreach s,$(STAGES),$(STAGE_$(s)))

test-programs: $(UNIT_BIN) $(SIM_BIN)
