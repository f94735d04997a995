/* kfk groups --delete and --delete-offsets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"

/* ---- groups ---- */

static void print_deleted(const groups_names *names, const kfk_error *each)
{
    const char *comma = "";

    for (size_t i = 0; i < names->n; i++) {
        if (each[i].code)
            continue;
        (void)printf("%s'%s'", comma, names->v[i]);
        comma = ", ";
    }
}

static void print_result(const groups_names *names, const kfk_error *each)
{
    size_t failed = 0;
    char what[1024];

    for (size_t i = 0; i < names->n; i++)
        failed += each[i].code != 0;
    if (failed == 0) {
        (void)printf("Deletion of requested consumer groups (");
        print_deleted(names, each);
        (void)printf(") was successful.\n");
        return;
    }
    groups_say_error("Deletion of some consumer groups failed:");
    for (size_t i = 0; i < names->n; i++)
        if (each[i].code)
            (void)printf("* Group '%s' could not be deleted due to: %s\n", names->v[i],
                         groups_exception(each[i].code, groups_text(each[i].code, each[i].msg),
                                          what, sizeof what));
    if (failed == names->n)
        return;
    (void)printf("\nThese consumer groups were deleted successfully: ");
    print_deleted(names, each);
    (void)printf("\n");
}

int groups_delete(groups *g)
{
    kfk_error *each = NULL;
    groups_names names;
    int status = groups_find(g, &names);

    if (!status) {
        each = groups_alloc(names.n, sizeof *each);
        (void)kfk_admin_delete_groups(g->admin, names.v, names.n, g->timeout_ms, each, &g->e);
        print_result(&names, each);
    }
    free(each);
    groups_names_fini(&names);
    return status;
}

/* ---- offsets ---- */

/* What is said of a partition; or, with -1, of a topic. */
typedef struct row {
    const char *topic;
    int32_t partition;
    kfk_err err;
} row;

/* As text: 10 is before 2. */
static int by_text(const void *a, const void *b)
{
    const row *x = a, *y = b;
    char left[300], right[300];

    (void)snprintf(left, sizeof left, "%s%" PRId32, x->topic, x->partition);
    (void)snprintf(right, sizeof right, "%s%" PRId32, y->topic, y->partition);
    return strcmp(left, right);
}

static void print_rows(row *rows, size_t n)
{
    char what[1024], partition[16];
    int width = 15;

    for (size_t i = 0; i < n; i++)
        if ((int)strlen(rows[i].topic) > width)
            width = (int)strlen(rows[i].topic);
    qsort(rows, n, sizeof *rows, by_text);
    (void)printf("\n%-*s %-10s %-15s", width, "TOPIC", "PARTITION", "STATUS");
    for (size_t i = 0; i < n; i++) {
        char status[1100] = "Successful";

        if (rows[i].err)
            (void)snprintf(status, sizeof status, "Error: %s",
                           groups_exception(rows[i].err,
                                            groups_text(rows[i].err, kfk_err_str(rows[i].err)),
                                            what, sizeof what));
        (void)snprintf(partition, sizeof partition, rows[i].partition < 0 ? "-" : "%" PRId32,
                       rows[i].partition);
        (void)printf("\n%-*s %-10s %-15s", width, rows[i].topic, partition, status);
    }
    (void)printf("\n");
}

static void print_whole(const groups *g, const char *group, kfk_err err)
{
    switch (err) {
    case KFK_OK:
        (void)printf("Request succeeded for deleting offsets from group %s.\n", group);
        break;
    case KFK_ERR_INVALID_GROUP_ID:
    case KFK_ERR_GROUP_ID_NOT_FOUND:
    case KFK_ERR_GROUP_AUTHORIZATION_FAILED:
    case KFK_ERR_NON_EMPTY_GROUP:
        groups_say_error("%s", groups_text(err, g->e.msg));
        break;
    case KFK_ERR_GROUP_SUBSCRIBED_TO_TOPIC:
    case KFK_ERR_TOPIC_AUTHORIZATION_FAILED:
    case KFK_ERR_UNKNOWN_TOPIC_OR_PARTITION:
        groups_say_error("Encountered some partition-level error, see the follow-up details.");
        break;
    default:
        groups_say_error("Encountered some unknown error: %s", kfk_err_name(err));
    }
}

/* Those with partitions first, then all partitions of the others, as far as these are there. */
static int find_partitions(groups *g, groups_tps *out, kfk_topics **topics)
{
    int n = args_count(g->args, TOPIC), status = 0;
    const char **names = groups_alloc((size_t)n, sizeof *names);
    size_t n_names = 0;

    for (int i = 0; !status && i < n; i++) {
        const char *text = args_at(g->args, TOPIC, i);

        if (strchr(text, ':'))
            status = groups_parse_partitions(text, out);
        else
            names[n_names++] = text;
    }
    if (!status)
        status = groups_topics(g, names, n_names, topics);
    for (size_t i = 0; !status && i < (*topics)->n; i++)
        for (size_t k = 0; k < (*topics)->topics[i]->n_partitions; k++)
            (void)groups_tps_add(out, (*topics)->topics[i]->name,
                                 (*topics)->topics[i]->partitions[k]->partition, 0);
    free(names);
    return status;
}

static void delete_them(groups *g, const char *group, groups_tps *tps, const kfk_topics *topics)
{
    row *rows = groups_alloc(tps->n + topics->n, sizeof *rows);
    size_t n = 0;

    print_whole(
        g, group,
        kfk_admin_delete_group_offsets(g->admin, group, tps->v, tps->n, g->timeout_ms, &g->e));
    for (size_t i = 0; i < tps->n; i++)
        rows[n++] = (row){tps->v[i].topic, tps->v[i].partition, tps->v[i].err};
    for (size_t i = 0; i < topics->n; i++)
        if (topics->topics[i]->err)
            rows[n++] = (row){topics->topics[i]->name, -1, topics->topics[i]->err};
    print_rows(rows, n);
    free(rows);
}

int groups_delete_offsets(groups *g)
{
    const char *group = NULL;
    kfk_topics *topics = NULL;
    groups_tps tps = {0};
    int status;

    if (!args_one(g->args, GROUP, &group))
        return groups_fail("%s", g->args->why);
    status = find_partitions(g, &tps, &topics);
    if (!status)
        delete_them(g, group, &tps, topics);
    kfk_topics_free(topics);
    groups_tps_fini(&tps);
    return status;
}
