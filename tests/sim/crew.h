/* crew: members of one group, each a fiber that polls, and what all of them may never do.
 *
 *     crew_begin("consumer");                             topics t0 ... t3 are the test's to make
 *     crew_join("t0", "client.rack", "a", NULL);          m0, on a host of its own
 *     crew_await(10000);                                  all that there is, is somebody's
 *     ck_assert_str_eq(crew_log(0), "+t0-0 t0-1;");
 *     crew_end();
 *
 * Looked at all the time: no partition is given to one while another, whom the coordinator still knows, has it; nothing is
 * read that is not one's own, or twice, or with a gap, as long as it is one's own; nothing is committed that was not handed
 * out and asked past. */
#ifndef SIM_CREW_H
#define SIM_CREW_H

#include "sim/world.h"

enum { CREW = 8, CREW_TOPICS = 4, CREW_PARTS = 16, CREW_LOG = 8192, CREW_ERRORS = 64 };
enum { JOIN_GROUP = 11, HEARTBEAT = 12, LEAVE_GROUP = 13, SYNC_GROUP = 14, CONSUMER_HEARTBEAT = 68 };

/* What a member does besides; set by crew_change, while it is asked nothing. */
typedef struct crew_habits {
    int64_t slow_ms;    /* in listeners */
    int64_t work_ms;    /* between polls */
    bool commits;       /* after each poll that brought something */
    bool no_lost;       /* its listener has no lost() */
    kfk_err answer;     /* of its listeners */
    int64_t start_plus; /* assigned() sets offsets: this; -1: it does not */
    bool from_start;    /* assigned() sets |start_plus| */
} crew_habits;

/* |protocol| of all of them, "classic" or "consumer". session.timeout.ms is 6 s, heartbeats come each second. */
void crew_begin(const char *protocol);
/* All that are there leave; then nobody is left of the group. */
void crew_end(void);
/* For world_opts. */
void crew_heard(void *arg, const struct kfk__dev_call *call);

/* One more: |topics| is one or several with a comma, or an expression. Returns its number. */
int crew_join(const char *topics, const char *name, ...);
/* The same with habits from the start. */
int crew_join_as(const crew_habits *habits, const char *topics, const char *name, ...);
void crew_change(int i, crew_habits habits);
/* These wait until it is done. close, with |ms|. */
kfk_err crew_leave(int i, int ms);
/* free: as a crash. */
void crew_die(int i);
kfk_err crew_unsubscribe(int i, int ms);
kfk_err crew_subscribe(int i, const char *topics);
kfk_err crew_commit(int i, kfk_error *e);
kfk_err crew_commit_at(int i, int t, int p, int64_t offset, kfk_error *e);
/* These do not: it does not poll for so long; nothing of its host gets to the cluster or back for so long. */
void crew_pause(int i, int64_t ms);
void crew_cut_off(int i, bool on);

/* All partitions of |topics| (as crew_join's; NULL: what all subscribe to) are somebody's, all members are in the group,
 * and nothing is under way. Fails after |ms|; returns how long it took, in ms. */
int64_t crew_await(int64_t ms);
/* The same without waiting. */
bool crew_is_stable(void);
/* Everything that was produced has been read, and by whoever has it now to its end; fails after |ms|. */
void crew_await_read(int64_t ms);
/* Until |done|; fails after |ms| with |what|. */
void crew_until(bool (*done)(void), int64_t ms, const char *what);

/* What its listener was told, in order: "+t0-0 t0-1;-t0-0;!t0-1;" A copy that is valid until the next. */
const char *crew_log(int i);
void crew_forget_log(int i);
/* The errors that its polls told, and the last of them. */
int crew_errors(int i, kfk_err code);
kfk_error crew_error(int i);
/* How many partitions it has. */
int crew_has(int i);
bool crew_holds(int i, int t, int p);
/* How often a record was read, by anybody. */
int crew_reads(int id);
/* The offset after the last record of a partition that it was handed. */
int64_t crew_handed(int i, int t, int p);
/* How often its generation changed, as its commits have it; and its member id, "" if it has none. */
int32_t crew_generation(int i);
const char *crew_id(int i);
/* Requests of one member. */
int crew_asked(int i, int16_t api);
/* Members and state, as the coordinator has it. */
kfk__devbroker_group_state crew_group(void);
kfk_consumer *crew_handle(int i);
/* How many have joined; and whether one has not left or failed since. */
int crew_size(void);
bool crew_is_there(int i);
bool crew_is_subscribed(int i);
/* Its group.instance.id; NULL: none. */
const char *crew_instance(int i);

/* A record to each of |n| partitions of topic |t|, |each| times. */
void crew_fill(int t, int n, int each);
/* How many partitions topic |t| is to have from now on, for crew_await; 0: it is not there. */
void crew_parts(int t, int n);
/* Makes it, on so many nodes as crew_replicas said last (1); gives it more. */
void crew_replicas(int n);
void crew_topic(int t, int n);
/* false: there was no answer in time, and it has not. */
bool crew_grow(int t, int n);
uint64_t below(uint64_t n);

#endif
