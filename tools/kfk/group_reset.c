/* kfk groups --reset-offsets: from where on groups without members are to read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "date.h"
#include "groups.h"

/* What is to be done, for all groups. */
typedef struct reset {
    groups *g;
    groups_names names;
    groups_tps *offsets; /* of each group: its new ones */
    groups_plan plan;    /* --from-file */
} reset;

/* ---- which partitions ---- */

static int name_topics(reset *r, groups_tps *out)
{
    int n = args_count(r->g->args, TOPIC), status = 0;
    const char **names = groups_alloc((size_t)n, sizeof *names);
    kfk_topics *topics = NULL;
    size_t n_names = 0;

    for (int i = 0; !status && i < n; i++) {
        const char *text = args_at(r->g->args, TOPIC, i);

        if (strchr(text, ':'))
            status = groups_parse_partitions(text, out);
        else
            names[n_names++] = text;
    }
    if (!status)
        status = groups_topics(r->g, names, n_names, &topics);
    for (size_t i = 0; !status && i < topics->n; i++) {
        const kfk_topic *t = topics->topics[i];

        if (t->err)
            status = groups_fail_code(ONLY_TEXT, t->err, kfk_err_str(t->err));
        for (size_t k = 0; k < t->n_partitions; k++)
            (void)groups_tps_add(out, t->name, t->partitions[k]->partition, 0);
    }
    kfk_topics_free(topics);
    free(names);
    return status;
}

static int choose(reset *r, const char *group, groups_tps *out)
{
    if (args_has(r->g->args, ALL_TOPICS))
        return groups_committed(r->g, group, out);
    if (args_has(r->g->args, TOPIC))
        return name_topics(r, out);
    if (!args_has(r->g->args, FROM_FILE))
        return groups_usage("One of the reset scopes should be defined: --all-topics, --topic.");
    return 0;
}

/* |bad| are the partitions that have the fault. */
static int fail_partitions(const groups_tps *bad, const char *fault)
{
    char list[4096] = "";
    size_t len = 0;

    for (size_t i = 0; i < bad->n && len < sizeof list; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s-%" PRId32, i ? "," : "",
                                bad->v[i].topic, bad->v[i].partition);
    return bad->n ? groups_fail("The partitions \"%s\" %s", list, fault) : 0;
}

/* They are there and have leaders. */
static int check(reset *r, const groups_tps *tps)
{
    groups_tps absent = {0}, leaderless = {0};
    kfk_topics *topics = NULL;
    int status = groups_topics_of(r->g, tps, WRAPPED, &topics);

    for (size_t i = 0; !status && i < tps->n; i++) {
        const kfk_partition *p = groups_partition(topics, tps->v[i].topic, tps->v[i].partition);

        if (!p)
            (void)groups_tps_add(&absent, tps->v[i].topic, tps->v[i].partition, 0);
        else if (p->leader < 0)
            (void)groups_tps_add(&leaderless, tps->v[i].topic, tps->v[i].partition, 0);
    }
    if (!status)
        status = fail_partitions(&absent, "do not exist");
    if (!status)
        status = fail_partitions(&leaderless, "have no leader");
    groups_tps_fini(&absent);
    groups_tps_fini(&leaderless);
    kfk_topics_free(topics);
    return status;
}

/* ---- where to ---- */

static groups_tps copy_of(const groups_tps *tps)
{
    groups_tps copy = {0};

    for (size_t i = 0; i < tps->n; i++)
        (void)groups_tps_add(&copy, tps->v[i].topic, tps->v[i].partition, tps->v[i].offset);
    return copy;
}

static void warn_of_range(const kfk_tp *tp, const char *than, int64_t bound)
{
    (void)tool_fail("WARN New offset (%" PRId64 ") is %s offset for topic partition %s-%" PRId32
                    ". Value will be set to %" PRId64,
                    tp->offset, than, tp->topic, tp->partition, bound);
}

/* Nothing before the beginning of a log, or behind its end. */
static int keep_in_range(reset *r, groups_tps *tps)
{
    groups_tps first = copy_of(tps), end = copy_of(tps);
    int status = groups_log_offsets(r->g, &first, KFK_OFFSET_EARLIEST, false);

    if (!status)
        status = groups_log_offsets(r->g, &end, KFK_OFFSET_LATEST, false);
    for (size_t i = 0; !status && i < tps->n; i++) {
        if (tps->v[i].offset > end.v[i].offset) {
            warn_of_range(&tps->v[i], "higher than latest", end.v[i].offset);
            tps->v[i].offset = end.v[i].offset;
        } else if (tps->v[i].offset < first.v[i].offset) {
            warn_of_range(&tps->v[i], "lower than earliest", first.v[i].offset);
            tps->v[i].offset = first.v[i].offset;
        }
    }
    groups_tps_fini(&first);
    groups_tps_fini(&end);
    return status;
}

static int to_offset(reset *r, groups_tps *tps)
{
    int64_t offset = 0;

    (void)args_integer(args_at(r->g->args, TO_OFFSET, 0), INT64_MIN, INT64_MAX, &offset);
    for (size_t i = 0; i < tps->n; i++)
        tps->v[i].offset = offset;
    return keep_in_range(r, tps);
}

static int64_t plus(int64_t a, int64_t b)
{
    if (b > 0 && a > INT64_MAX - b)
        return INT64_MAX;
    return a + b;
}

static int shift(reset *r, const char *group, groups_tps *tps)
{
    groups_tps committed = {0};
    int64_t by = 0;
    int status = groups_committed(r->g, group, &committed);

    (void)args_number(r->g->args, SHIFT_BY, INT64_MIN, INT64_MAX, &by);
    for (size_t i = 0; !status && i < tps->n; i++) {
        const kfk_tp *at = groups_tps_find(&committed, tps->v[i].topic, tps->v[i].partition);

        if (at)
            tps->v[i].offset = plus(at->offset, by);
        else
            status = groups_usage("Cannot shift offset for partition %s-%" PRId32
                                  " since there is no current committed offset",
                                  tps->v[i].topic, tps->v[i].partition);
    }
    groups_tps_fini(&committed);
    return status ? status : keep_in_range(r, tps);
}

/* What has not been committed is where the log ends. */
static int to_current(reset *r, const char *group, groups_tps *tps)
{
    groups_tps committed = {0}, rest = {0};
    int status = groups_committed(r->g, group, &committed);

    for (size_t i = 0; !status && i < tps->n; i++)
        if (!groups_tps_find(&committed, tps->v[i].topic, tps->v[i].partition))
            (void)groups_tps_add(&rest, tps->v[i].topic, tps->v[i].partition, 0);
    if (!status)
        status = groups_log_offsets(r->g, &rest, KFK_OFFSET_LATEST, false);
    for (size_t i = 0; !status && i < tps->n; i++) {
        kfk_tp *to = &tps->v[i], *at = groups_tps_find(&committed, to->topic, to->partition);

        to->offset = (at ? at : groups_tps_find(&rest, to->topic, to->partition))->offset;
    }
    groups_tps_fini(&committed);
    groups_tps_fini(&rest);
    return status;
}

/* The first record of that time or later; where there is none, the end of the log. Below 0 the
 * protocol has no times: numbers there stand for places, and others for nothing. */
static int to_time(reset *r, groups_tps *tps, int64_t ms)
{
    groups_tps rest = {0};
    int status;

    if (tps->n && ms < KFK_OFFSET_EARLIEST_PENDING_UPLOAD)
        return groups_fail_code(WRAPPED, KFK_ERR_UNSUPPORTED_VERSION, "");
    status = groups_log_offsets(r->g, tps, ms, ms >= 0);
    for (size_t i = 0; !status && i < tps->n; i++) {
        if (tps->v[i].offset >= 0)
            continue;
        (void)printf("\nWarn: Partition %" PRId32 " from topic %s is empty. Falling back to latest "
                     "known offset.\n",
                     tps->v[i].partition, tps->v[i].topic);
        (void)groups_tps_add(&rest, tps->v[i].topic, tps->v[i].partition, 0);
    }
    if (!status)
        status = groups_log_offsets(r->g, &rest, KFK_OFFSET_LATEST, false);
    for (size_t i = 0; !status && i < rest.n; i++)
        groups_tps_find(tps, rest.v[i].topic, rest.v[i].partition)->offset = rest.v[i].offset;
    groups_tps_fini(&rest);
    return status;
}

static int to_datetime(reset *r, groups_tps *tps)
{
    const char *text = args_at(r->g->args, TO_DATETIME, 0), *t = strchr(text, 'T');
    bool zoned = t && strpbrk(t, "+-Z") != NULL;
    int64_t ms;

    if (!t || !t[1])
        return groups_fail("java.text.ParseException: Error parsing timestamp. It does not contain "
                           "a 'T' according to ISO8601 format");
    if (!date_parse(text, &ms))
        return groups_fail("java.text.ParseException: Unparseable date: \"%s%s\"", text,
                           zoned ? "" : "Z");
    return to_time(r, tps, ms);
}

static int by_duration(reset *r, groups_tps *tps)
{
    int64_t ms;

    if (!date_parse_duration(args_at(r->g->args, BY_DURATION, 0), &ms))
        return groups_fail("Text cannot be parsed to a Duration");
    return to_time(r, tps, tool_wall_ms() - ms);
}

/* As the file has it, whatever partitions were named. */
static int from_file(reset *r, const char *group, groups_tps *tps)
{
    bool any = false;

    groups_tps_fini(tps);
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct groups_plan_row *row = &r->plan.rows[i];

        if (row->group && strcmp(row->group, group) != 0)
            continue;
        groups_tps_add(tps, row->topic, row->partition, 0)->offset = row->offset;
        any = true;
    }
    if (!any)
        groups_say_error("No reset plan for group %s found", group);
    return keep_in_range(r, tps);
}

static int prepare(reset *r, const char *group, groups_tps *tps)
{
    const args *a = r->g->args;

    if (args_has(a, TO_OFFSET))
        return to_offset(r, tps);
    if (args_has(a, TO_EARLIEST))
        return groups_log_offsets(r->g, tps, KFK_OFFSET_EARLIEST, false);
    if (args_has(a, TO_LATEST))
        return groups_log_offsets(r->g, tps, KFK_OFFSET_LATEST, false);
    if (args_has(a, SHIFT_BY))
        return shift(r, group, tps);
    if (args_has(a, TO_DATETIME))
        return to_datetime(r, tps);
    if (args_has(a, BY_DURATION))
        return by_duration(r, tps);
    if (args_has(a, FROM_FILE))
        return from_file(r, group, tps);
    if (args_has(a, TO_CURRENT))
        return to_current(r, group, tps);
    return groups_usage("Option '[reset-offsets]' requires one of the following scenarios: "
                        "[[to-offset], [shift-by], [to-datetime], [by-duration], [to-earliest], "
                        "[to-latest], [to-current], [from-file]]");
}

/* ---- doing it ---- */

static int execute(reset *r, const char *group, groups_tps *tps)
{
    for (size_t i = 0; i < tps->n; i++)
        tps->v[i].flags = 0;
    if (kfk_admin_alter_group_offsets(r->g->admin, group, tps->v, tps->n, r->g->timeout_ms,
                                      &r->g->e))
        return groups_fail_error(r->g, ONLY_TEXT);
    return 0;
}

static int reset_group(reset *r, const kfk_group_description *d, groups_tps *tps)
{
    const char *state = groups_state(d->state);
    int status;

    if (!d->err && strcmp(state, "Empty") != 0 && strcmp(state, "Dead") != 0) {
        groups_say_error("Assignments can only be reset if the group '%s' is inactive, but the "
                         "current state is %s.",
                         d->group, state);
        return 0;
    }
    status = choose(r, d->group, tps);
    if (!status)
        status = check(r, tps);
    if (!status)
        status = prepare(r, d->group, tps);
    if (!status && args_has(r->g->args, EXECUTE))
        status = execute(r, d->group, tps);
    return status;
}

/* ---- telling ---- */

static void export_them(const reset *r)
{
    bool one = args_count(r->g->args, GROUP) == 1;

    for (size_t i = 0; i < r->names.n; i++)
        for (size_t k = 0; k < r->offsets[i].n; k++) {
            const kfk_tp *tp = &r->offsets[i].v[k];

            if (!one) {
                groups_plan_print_field(r->names.v[i]);
                (void)putchar(',');
            }
            groups_plan_print_field(tp->topic);
            (void)printf(",%" PRId32 ",%" PRId64 "\n", tp->partition, tp->offset);
        }
    (void)printf("\n");
}

static int wider(int width, const char *text)
{
    int len = (int)strlen(text);

    return len > width ? len : width;
}

static void print(const reset *r)
{
    int group = 15, topic = 15;

    for (size_t i = 0; i < r->names.n; i++) {
        group = wider(group, r->names.v[i]);
        for (size_t k = 0; k < r->offsets[i].n; k++)
            topic = wider(topic, r->offsets[i].v[k].topic);
    }
    if (r->names.n > 0)
        (void)printf("\n%-*s %-*s %-10s %s", group, "GROUP", topic, "TOPIC", "PARTITION",
                     "NEW-OFFSET");
    for (size_t i = 0; i < r->names.n; i++)
        for (size_t k = 0; k < r->offsets[i].n; k++)
            (void)printf("\n%-*s %-*s %-10" PRId32 " %" PRId64, group, r->names.v[i], topic,
                         r->offsets[i].v[k].topic, r->offsets[i].v[k].partition,
                         r->offsets[i].v[k].offset);
    (void)printf("\n");
}

static int reset_all(reset *r, const kfk_group_descriptions *d)
{
    int status = 0;

    r->offsets = groups_alloc(d->n, sizeof *r->offsets);
    for (size_t i = 0; !status && i < d->n; i++)
        status = reset_group(r, d->groups[i], &r->offsets[i]);
    if (!status && args_has(r->g->args, EXPORT))
        export_them(r);
    else if (!status)
        print(r);
    for (size_t i = 0; i < d->n; i++)
        groups_tps_fini(&r->offsets[i]);
    free(r->offsets);
    return status;
}

int groups_reset(groups *g)
{
    kfk_group_descriptions *d = NULL;
    reset r = {.g = g};
    int status = groups_find(g, &r.names);

    if (!status && args_has(g->args, FROM_FILE))
        status = groups_plan_read(&r.plan, args_at(g->args, FROM_FILE, 0),
                                  args_count(g->args, GROUP) == 1);
    if (!status)
        status = groups_describe_all(g, &r.names, WRAPPED, true, &d);
    if (!status)
        status = reset_all(&r, d);
    kfk_group_descriptions_free(d);
    groups_plan_fini(&r.plan);
    groups_names_fini(&r.names);
    return status;
}
