/* list: an intrusive, doubly linked, circular list. A node that is in no list points at itself. */
#ifndef KFK_BASE_LIST_H
#define KFK_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct kfk__list {
    struct kfk__list *next, *prev;
} kfk__list;

/* The struct of type |type| whose member |member| the node |node| is. */
#define KFK__ENTRY(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void kfk__list_init(kfk__list *l)
{
    l->next = l->prev = l;
}

static inline bool kfk__list_empty(const kfk__list *l)
{
    return l->next == l;
}

static inline void kfk__list_insert(kfk__list *before, kfk__list *node)
{
    node->next = before;
    node->prev = before->prev;
    before->prev->next = node;
    before->prev = node;
}

static inline void kfk__list_push(kfk__list *l, kfk__list *node)
{
    kfk__list_insert(l, node);
}

static inline void kfk__list_push_front(kfk__list *l, kfk__list *node)
{
    kfk__list_insert(l->next, node);
}

/* Out of whatever list it is in; again in none. */
static inline void kfk__list_remove(kfk__list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    kfk__list_init(node);
}

/* The first node, or NULL. */
static inline kfk__list *kfk__list_first(const kfk__list *l)
{
    return kfk__list_empty(l) ? NULL : l->next;
}

/* The node after |node|, or NULL at the end. */
static inline kfk__list *kfk__list_next(const kfk__list *l, const kfk__list *node)
{
    return node->next == l ? NULL : node->next;
}

static inline kfk__list *kfk__list_pop(kfk__list *l)
{
    kfk__list *node = kfk__list_first(l);

    if (node)
        kfk__list_remove(node);
    return node;
}

/* Moves all of |from| to the end of |to|. */
static inline void kfk__list_splice(kfk__list *to, kfk__list *from)
{
    if (kfk__list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    kfk__list_init(from);
}

#endif
