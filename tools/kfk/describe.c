/* kfk topics --describe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topics.h"

/* All that is asked for before a line is printed. */
typedef struct facts {
    kfk_topics *topics;
    kfk_topic_configs *configs;
    kfk_cluster *cluster;
    kfk_reassignments *reassignments; /* NULL: the broker does not tell */
} facts;

/* ---- asking ---- */

static int ask_topics(topics *t, const char *const *names, size_t n, uint32_t flags,
                      kfk_topics **out)
{
    kfk_describe how = {.struct_size = sizeof how, .flags = flags};
    int64_t page = 0;

    if (!args_number(t->args, SIZE_LIMIT, 1, INT32_MAX, &page))
        return topics_fail("%s", t->args->why);
    how.page = (int32_t)page;
    if (kfk_admin_describe_topics(t->admin, names, n, &how, -1, out, &t->e))
        return topics_fail_error(t);
    for (size_t i = 0; i < (*out)->n; i++)
        if ((*out)->topics[i]->err)
            return topics_fail("%s", kfk_err_str((*out)->topics[i]->err));
    return 0;
}

static int ask_configs(topics *t, facts *f)
{
    const char **names = calloc(f->topics->n + 1, sizeof *names);
    kfk_err err;

    if (!names)
        return tool_fail("out of memory");
    for (size_t i = 0; i < f->topics->n; i++)
        names[i] = f->topics->topics[i]->name;
    err = kfk_admin_describe_configs(t->admin, names, f->topics->n, -1, &f->configs, &t->e);
    free(names);
    if (err)
        return topics_fail_error(t);
    for (size_t i = 0; i < f->configs->n; i++)
        if (f->configs->configs[i]->err)
            return topics_fail("%s", f->configs->configs[i]->msg);
    return 0;
}

static int ask_rest(topics *t, facts *f)
{
    kfk_err err;

    if (kfk_admin_describe_cluster(t->admin, -1, &f->cluster, &t->e))
        return topics_fail_error(t);
    err = kfk_admin_list_partition_reassignments(t->admin, -1, &f->reassignments, &t->e);
    if (err && err != KFK_ERR_UNSUPPORTED_VERSION && err != KFK_ERR_CLUSTER_AUTHORIZATION_FAILED)
        return topics_fail_error(t);
    return 0;
}

/* ---- --topic-id ---- */

/* The words of Java's decoder for a text that is no id; 0: it is one. */
static int check_id(const char *id)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(id), valid = strspn(id, digits);

    if (len > 24)
        return topics_fail(
            "Input string with prefix `%.24s` is too long to be decoded as a base64 UUID", id);
    if (valid < len)
        return topics_fail("Illegal base64 character %x", (unsigned)(unsigned char)id[valid]);
    if (len % 4 == 1)
        return topics_fail("Last unit does not have enough valid bits");
    if (len * 3 / 4 != 16)
        return topics_fail("Input string `%s` decoded as %zu bytes, which is not equal to the "
                           "expected 16 bytes of "
                           "a base64-encoded UUID",
                           id, len * 3 / 4);
    return 0;
}

static int find_by_id(topics *t, const char *id, kfk_topics **out)
{
    topics_names names = {0};
    bool found = false;
    int status;

    if (kfk_admin_list_topics(t->admin, -1, &names.all, &t->e))
        return topics_fail_error(t);
    for (size_t i = 0; i < names.all->n; i++) {
        const kfk_topic *each = names.all->topics[i];

        found |=
            strcmp(each->id, id) == 0 && !(each->internal && args_has(t->args, EXCLUDE_INTERNAL));
    }
    if (!found && !args_has(t->args, IF_EXISTS))
        status = topics_fail("TopicId '%s' does not exist as expected", id);
    else
        status = ask_topics(t, &id, found ? 1 : 0, KFK_BY_ID, out);
    topics_names_fini(&names);
    return status;
}

static int find(topics *t, kfk_topics **out)
{
    const char *id = NULL;
    topics_names names;
    int status;

    if (!args_one(t->args, TOPIC_ID, &id))
        return topics_fail("%s", t->args->why);
    if (id && check_id(id))
        return 1;
    if (id && strspn(id, "A") < strlen(id)) /* the zero id stands for none */
        return find_by_id(t, id, out);
    status = topics_find_existing(t, &names);
    if (!status)
        status = ask_topics(t, names.v, names.n, 0, out);
    topics_names_fini(&names);
    return status;
}

/* ---- what is known of a partition ---- */

/* The i-th topic's. Mostly the answers have the same order. */
static const kfk_topic_config *config_of(const facts *f, size_t topic_at)
{
    const kfk_topic *topic = f->topics->topics[topic_at];

    if (topic_at < f->configs->n && strcmp(f->configs->configs[topic_at]->topic, topic->name) == 0)
        return f->configs->configs[topic_at];
    for (size_t i = 0; i < f->configs->n; i++)
        if (strcmp(f->configs->configs[i]->topic, topic->name) == 0)
            return f->configs->configs[i];
    return NULL;
}

static const kfk_reassignment *reassignment_of(const facts *f, const kfk_topic *topic,
                                               const kfk_partition *p)
{
    for (size_t i = 0; f->reassignments && i < f->reassignments->n; i++) {
        const kfk_reassignment *r = f->reassignments->reassignments[i];

        if (r->partition == p->partition && strcmp(r->topic, topic->name) == 0)
            return r;
    }
    return NULL;
}

static bool has(const kfk_ids *ids, int32_t id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->v[i] == id)
            return true;
    return false;
}

/* Without those that are being added; a reassignment that is over by now is passed over. */
static size_t replication_factor(const kfk_partition *p, const kfk_reassignment *r)
{
    for (size_t i = 0; r && i < p->replicas.n; i++)
        if (has(&r->adding, p->replicas.v[i]) || has(&r->removing, p->replicas.v[i]))
            return r->replicas.n - r->adding.n;
    return p->replicas.n;
}

static bool has_leader(const facts *f, const kfk_partition *p)
{
    for (size_t i = 0; i < f->cluster->n_brokers; i++)
        if (f->cluster->brokers[i]->id == p->leader)
            return true;
    return false;
}

static size_t min_isr(const kfk_topic_config *c)
{
    for (size_t i = 0; c && i < c->n_entries; i++)
        if (strcmp(c->entries[i]->name, "min.insync.replicas") == 0 && c->entries[i]->value)
            return (size_t)strtoul(c->entries[i]->value, NULL, 10);
    return 0;
}

static bool is_override(const kfk_config_entry *c)
{
    return c->source != KFK_SOURCE_DEFAULT;
}

/* ---- printing ---- */

static void print_topic(const kfk_topic *topic, const kfk_topic_config *c,
                        const kfk_reassignment *first)
{
    size_t replicas = topic->n_partitions ? replication_factor(topic->partitions[0], first) : 0;
    const char *comma = "";

    (void)printf("Topic: %s", topic->name);
    if (topic->id[0])
        (void)printf("\tTopicId: %s", topic->id);
    (void)printf("\tPartitionCount: %zu\tReplicationFactor: %zu\tConfigs: ", topic->n_partitions,
                 replicas);
    for (size_t i = 0; c && i < c->n_entries; i++) {
        const kfk_config_entry *entry = c->entries[i];

        if (!is_override(entry))
            continue;
        (void)printf("%s%s=%s", comma, entry->name, entry->value ? entry->value : "null");
        comma = ",";
    }
    (void)printf("\n");
}

static void print_ids(const char *name, const kfk_ids *ids)
{
    (void)printf("\t%s: ", name);
    if (!ids->v)
        (void)printf("N/A");
    for (size_t i = 0; i < ids->n; i++)
        (void)printf("%s%d", i ? "," : "", (int)ids->v[i]);
}

static void print_partition(const facts *f, const kfk_topic *topic, const kfk_partition *p,
                            const kfk_reassignment *r)
{
    (void)printf("\tTopic: %s\tPartition: %d", topic->name, (int)p->partition);
    if (has_leader(f, p))
        (void)printf("\tLeader: %d", (int)p->leader);
    else
        (void)printf("\tLeader: none");
    print_ids("Replicas", &p->replicas);
    print_ids("Isr", &p->isr);
    if (r) {
        print_ids("Adding Replicas", &r->adding);
        print_ids("Removing Replicas", &r->removing);
    }
    print_ids("Elr", &p->elr);
    print_ids("LastKnownElr", &p->last_known_elr);
    (void)printf("\n");
}

/* Whether a report that was asked for is about this partition. */
static bool reported(const args *a, const facts *f, const kfk_topic *topic, size_t least,
                     const kfk_partition *p)
{
    const kfk_reassignment *r = reassignment_of(f, topic, p);

    return (args_has(a, UNDER_REPLICATED) && replication_factor(p, r) > p->isr.n) ||
           (args_has(a, UNAVAILABLE) && !has_leader(f, p)) ||
           (args_has(a, UNDER_MIN_ISR) && (!has_leader(f, p) || p->isr.n < least)) ||
           (args_has(a, AT_MIN_ISR) && p->isr.n == least);
}

static bool has_override(const kfk_topic_config *c)
{
    for (size_t i = 0; c && i < c->n_entries; i++)
        if (is_override(c->entries[i]))
            return true;
    return false;
}

static void print(const args *a, const facts *f, size_t topic_at)
{
    static const int reports[] = {UNDER_REPLICATED, UNAVAILABLE, UNDER_MIN_ISR, AT_MIN_ISR, -1};
    const kfk_topic *topic = f->topics->topics[topic_at];
    const kfk_topic_config *c = config_of(f, topic_at);
    bool all = tool_given(a, reports) == 0, overrides = args_has(a, WITH_OVERRIDES);

    if (all && (!overrides || has_override(c)))
        print_topic(topic, c,
                    topic->n_partitions ? reassignment_of(f, topic, topic->partitions[0]) : NULL);
    for (size_t i = 0; !overrides && i < topic->n_partitions; i++) {
        const kfk_partition *p = topic->partitions[i];

        if (all || reported(a, f, topic, min_isr(c), p))
            print_partition(f, topic, p, reassignment_of(f, topic, p));
    }
}

int topics_describe(topics *t)
{
    facts f = {0};
    int status = find(t, &f.topics);

    if (!status)
        status = ask_configs(t, &f);
    if (!status)
        status = ask_rest(t, &f);
    for (size_t i = 0; !status && i < f.topics->n; i++)
        print(t->args, &f, i);
    kfk_topics_free(f.topics);
    kfk_topic_configs_free(f.configs);
    kfk_cluster_free(f.cluster);
    kfk_reassignments_free(f.reassignments);
    return status;
}
