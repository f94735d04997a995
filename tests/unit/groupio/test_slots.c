#include "asked.h"

START_TEST(ordered_by_topic_and_number)
{
    kfk_tp tps[] = {tp_of("b", 4, 1), tp_of("a", 2, 2), tp_of("b", 0, 3), tp_of("a", 1, 4),
                    tp_of("ab", 1, 5)};
    static const char *const names[] = {"a", "ab", "b"};
    static const int32_t numbers[] = {1, 2, 1, 0, 4};

    (void)ask(tps, 5);
    ck_assert_int_eq(fill(), KFK_OK);
    ck_assert_int_eq(slots.n, 5);
    ck_assert_int_eq(slots.n_topics, 3);
    for (int i = 0; i < 3; i++)
        ck_assert(is(slots.topics[i].name, names[i]));
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(slots.v[i].partition, numbers[i]);
    ck_assert_int_eq(slots.topics[2].n, 2);
    ck_assert_int_eq(kfk__slot_newest(slot_of("b", 0))->tp->offset, 3);
    ck_assert_ptr_null(slot_of("b", 1));
    ck_assert_ptr_null(slot_of("b", 5));
    ck_assert_ptr_null(slot_of("c", 0));
}
END_TEST

START_TEST(the_newest_stands_for_the_older)
{
    kfk_tp first[] = {tp_of("t", 0, 1), tp_of("t", 1, 2)};
    kfk_tp second[] = {tp_of("t", 1, 3), tp_of("t", 1, 4)};
    kfk__slot *slot;
    int64_t offset = 2;

    (void)ask(first, 2);
    (void)ask(second, 2);
    ck_assert_int_eq(fill(), KFK_OK);
    ck_assert_int_eq(slots.n, 2);
    slot = slot_of("t", 1);
    for (kfk__list *at = slot->entries.next; at != &slot->entries; at = at->next) {
        const kfk__offset_entry *entry = KFK__ENTRY(at, kfk__offset_entry, link);

        ck_assert_int_eq(entry->tp->offset, offset);
        ck_assert_int_eq(entry->newest, offset == 4);
        offset++;
    }
    ck_assert_int_eq(offset, 5);
}
END_TEST

START_TEST(as_far_as_the_newest_that_is_ready)
{
    kfk_tp tps[] = {tp_of("t", 0, 1), tp_of("t", 1, 1)}, one = tp_of("t", 0, 2);

    (void)ask(tps, 2);
    (void)ask(&one, 1);
    asked[1]->ready = false;
    ck_assert_int_eq(fill(), KFK_OK);
    ck_assert_int_eq(kfk__slot_newest(slot_of("t", 0))->tp->offset, 1);
    ck_assert(kfk__list_empty(&asked[1]->entries[0].link));
    /* An older one of whom is stood for need not be. */
    asked[0]->ready = false;
    asked[1]->ready = true;
    ck_assert_int_eq(fill(), KFK_OK);
    ck_assert_int_eq(kfk__slot_newest(slot_of("t", 0))->tp->offset, 2);
    ck_assert(!kfk__list_empty(&asked[0]->entries[0].link));
    ck_assert_ptr_null(slot_of("t", 1));
}
END_TEST

START_TEST(what_is_overtaken_is_not_sent)
{
    kfk_tp tps[] = {tp_of("t", 0, 1), tp_of("t", 1, 1)}, one = tp_of("t", 0, 2);

    (void)ask(tps, 2);
    kfk__offsets_overtake(&asked[0]->entries[0]);
    kfk__offsets_overtake(&asked[0]->entries[0]);
    ck_assert_uint_eq(asked[0]->sendable, 1);
    ck_assert_uint_eq(asked[0]->pending, 2);
    ck_assert_int_eq(fill(), KFK_OK);
    ck_assert_ptr_null(slot_of("t", 0));
    ck_assert_ptr_nonnull(slot_of("t", 1));
    /* But stood for. */
    (void)ask(&one, 1);
    ck_assert_int_eq(fill(), KFK_OK);
    ck_assert_int_eq(kfk__slot_newest(slot_of("t", 0))->tp->offset, 2);
    ck_assert(!kfk__list_empty(&asked[0]->entries[0].link));
}
END_TEST

START_TEST(what_is_given_up_leaves_its_slot)
{
    kfk_tp one = tp_of("t", 0, 1);
    const kfk__slot *slot;

    (void)ask(&one, 1);
    (void)ask(&one, 1);
    ck_assert_int_eq(fill(), KFK_OK);
    slot = slot_of("t", 0);
    kfk__offsets_free(asked[1]);
    n_asked = 1;
    ck_assert_ptr_eq(kfk__slot_newest(slot)->of, asked[0]);
    ck_assert(!kfk__slot_newest(slot)->newest);
    kfk__offsets_free(asked[0]);
    n_asked = 0;
    ck_assert(kfk__list_empty(&slot->entries));
    ck_assert(is(slots.topics[0].name, "t"));
}
END_TEST

START_TEST(ids_of_metadata)
{
    kfk_tp tps[] = {tp_of("a", 0, 1), tp_of("b", 0, 1)};
    kfk__topic_info *t;
    kfk__metadata m;

    kfk__metadata_init(&m, &alloc);
    (void)ask(tps, 2);
    ck_assert_int_eq(fill(), KFK_OK);
    ck_assert(!kfk__slots_know_ids(&slots, &m));
    t = kfk__metadata_topic(&m, "a", 1, 0);
    t->id = (kfk__uuid){{1}};
    ck_assert(!kfk__slots_know_ids(&slots, &m));
    t = kfk__metadata_topic(&m, "b", 1, 0);
    ck_assert(!kfk__slots_know_ids(&slots, &m));
    t->id = (kfk__uuid){{2}};
    ck_assert(kfk__slots_know_ids(&slots, &m));
    ck_assert_ptr_eq(kfk__slots_find(&slots, kfk__bytes(NULL, 0), &t->id, 0), slot_of("b", 0));
    t->id.b[0] = 3;
    ck_assert_ptr_null(kfk__slots_find(&slots, kfk__bytes(NULL, 0), &t->id, 0));
    kfk__metadata_fini(&m);
}
END_TEST

/* Any order in, the same order out; of equals the last one in is the newest. */
START_TEST(of_many)
{
    enum { N = 1000 };
    static kfk_tp tps[N];
    static kfk__offset_entry *v[N];
    static const char *const names[] = {"aa", "b", "a"};
    uint64_t state = 7;
    kfk__offsets *o;
    size_t seen = 0;

    for (int i = 0; i < N; i++)
        tps[i] = tp_of(names[chance(&state) % 3], (int32_t)(chance(&state) % 50), i);
    o = ask(tps, N);
    for (int i = 0; i < N; i++)
        v[i] = &o->entries[i];
    ck_assert_int_eq(kfk__slots_fill(&slots, v, N), KFK_OK);
    for (int32_t i = 0; i < slots.n; i++) {
        int64_t last = -1;

        for (kfk__list *at = slots.v[i].entries.next; at != &slots.v[i].entries; at = at->next) {
            const kfk_tp *tp = KFK__ENTRY(at, kfk__offset_entry, link)->tp;

            MUST(tp->offset > last && tp->partition == slots.v[i].partition);
            MUST(slot_of(tp->topic, tp->partition) == &slots.v[i]);
            last = tp->offset;
            seen++;
        }
    }
    ck_assert_uint_eq(seen, N);
    ck_assert_int_eq(slots.n_topics, 3);
}
END_TEST

START_TEST(without_memory)
{
    kfk_tp tps[] = {tp_of("a", 0, 1), tp_of("b", 0, 1)};
    kfk__group_meta who = {.group = "g", .member = "m", .instance = "i", .generation = 1};

    (void)ask(tps, 2);
    for (uint64_t n = 1;; n++) {
        kfk_err err;

        kfk__slots_fini(&slots);
        kfk__slots_init(&slots, &alloc);
        failalloc_fail_once(&mem, n);
        err = fill();
        if (!failalloc_failed(&mem))
            break;
        ck_assert_int_eq(err, KFK_ERR_NOMEM);
        ck_assert_int_eq(slots.n, 0);
        ck_assert(kfk__list_empty(&asked[0]->entries[0].link));
    }
    for (uint64_t n = 1;; n++) {
        kfk__offsets *o;

        failalloc_fail_once(&mem, n);
        o = kfk__offsets_new(&alloc, &who, tps, 2);
        ck_assert_int_eq(o == NULL, failalloc_failed(&mem));
        kfk__offsets_free(o);
        if (!failalloc_failed(&mem))
            break;
    }
}
END_TEST

/* ---- what becomes of them ---- */

static int ended;
static kfk_error end_error;
static kfk_err errs[2];

static void end(void *owner, void *arg, const kfk_tp *tps, size_t n, const kfk_error *e,
                int64_t now)
{
    ck_assert_ptr_eq(owner, &ended);
    ck_assert_ptr_null(arg);
    ck_assert_int_eq(now, 5);
    ended++;
    end_error = *e;
    for (size_t i = 0; i < n; i++)
        errs[i] = tps[i].err;
}

START_TEST(the_first_error_is_the_whole_ones)
{
    kfk_tp tps[] = {tp_of("t", 0, 1), tp_of("t", 1, 1)};
    kfk__offsets *o = ask(tps, 2);
    kfk_error e;

    o->done = end;
    o->owner = &ended;
    (void)kfk__fail(&e, KFK_ERR_OFFSET_METADATA_TOO_LARGE, "too long");
    kfk__offsets_settle(&o->entries[1], &e);
    ck_assert_uint_eq(o->pending, 1);
    o->entries[0].doubtful = true;
    (void)kfk__fail(&e, KFK_ERR_TIMED_OUT, "late");
    kfk__offsets_settle_rest(o, &e);
    ck_assert_uint_eq(o->pending, 0);
    n_asked = 0;
    kfk__offsets_end(o, 5);
    ck_assert_int_eq(ended, 1);
    ck_assert_int_eq(end_error.code, KFK_ERR_OFFSET_METADATA_TOO_LARGE);
    ck_assert_int_eq(end_error.partition, 1);
    ck_assert_str_eq(end_error.topic, "t");
    ck_assert_uint_ne(end_error.flags & KFK_MAYBE_DONE, 0);
    ck_assert_int_eq(errs[0], KFK_ERR_TIMED_OUT);
    ck_assert_int_eq(errs[1], KFK_ERR_OFFSET_METADATA_TOO_LARGE);
}
END_TEST

START_TEST(who_speaks)
{
    kfk__group_meta a = {.group = "g", .member = "m", .instance = "i", .generation = 1}, b = a;

    ck_assert(kfk__group_meta_equal(&a, &b));
    b.instance = NULL;
    ck_assert(!kfk__group_meta_equal(&a, &b));
    b = a;
    b.member = "n";
    ck_assert(!kfk__group_meta_equal(&a, &b));
    b = a;
    b.generation = 2;
    ck_assert(!kfk__group_meta_equal(&a, &b));
    b = a;
    b.group = "h";
    ck_assert(!kfk__group_meta_equal(&a, &b));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {ordered_by_topic_and_number,
                                  the_newest_stands_for_the_older,
                                  as_far_as_the_newest_that_is_ready,
                                  what_is_overtaken_is_not_sent,
                                  what_is_given_up_leaves_its_slot,
                                  ids_of_metadata,
                                  of_many,
                                  without_memory,
                                  the_first_error_is_the_whole_ones,
                                  who_speaks,
                                  NULL};

    return run_asked("groupio/slots", tests);
}
