#include "devbroker/parked.h"

void kfk__dev_park(kfk__dev_parked *p, kfk__dev_parked **at)
{
    if (*at)
        (*at)->at = NULL;
    p->at = at;
    *at = p;
}

void kfk__dev_unpark(kfk__dev_parked *p)
{
    if (p->at)
        *p->at = NULL;
    p->at = NULL;
}

void kfk__dev_tell(kfk__dev_parked *p, const kfk__dev_verdict *v)
{
    kfk__dev_unpark(p);
    p->broken = !p->tell(p->call, v);
    p->done = true;
}

kfk__dev_verdict kfk__dev_verdict_of(const kfk__dev_member *m)
{
    const kfk__dev_classic *c = &m->group->classic;

    return (kfk__dev_verdict){.id = m->id,
                              .generation = c->generation,
                              .protocol_type = c->protocol_type,
                              .protocol = c->protocol,
                              .leader = c->leader->id,
                              .leads = c->leader == m ? m->group : NULL,
                              .assignment = m->assignment};
}

static void tell(const kfk__dev_member *m, kfk__dev_parked *p, const kfk__dev_verdict *v)
{
    if (!p)
        return;
    kfk__dev_tell(p, v);
    ++*m->group->all->version;
}

void kfk__dev_tell_join(kfk__dev_member *m, const kfk__dev_verdict *v)
{
    m->group->classic.n_joining -= m->joining;
    m->joining = false;
    tell(m, m->join, v);
}

void kfk__dev_tell_sync(kfk__dev_member *m, const kfk__dev_verdict *v)
{
    m->syncing = false;
    tell(m, m->sync, v);
}

void kfk__dev_refuse_join(kfk__dev_member *m, int16_t code, kfk_bytes id)
{
    kfk__dev_tell_join(m, &(kfk__dev_verdict){.code = code, .id = id});
}

void kfk__dev_refuse_sync(kfk__dev_member *m, int16_t code)
{
    kfk__dev_tell_sync(m, &(kfk__dev_verdict){.code = code});
}
