/* order: names as Java orders them, and a sort that is stable.
 *
 * Java compares strings by UTF-16 units. That is the order of the bytes of UTF-8, but for U+E000 to
 * U+FFFF, which come after what needs a pair of surrogates. */
#ifndef KFK_MEMBERSHIP_ORDER_H
#define KFK_MEMBERSHIP_ORDER_H

#include <kfk/types.h>

/* As memcmp; null comes before all else. */
int kfk__order_names(kfk_bytes a, kfk_bytes b);

/* Whether |a| comes before (< 0), after (> 0) or with |b|. */
typedef int kfk__order_fn(const void *context, int32_t a, int32_t b);

/* Sorts |n| numbers; |space| has room for as many. Equals stay in their order. Neither recurses nor
 * allocates. */
void kfk__order_sort(int32_t *v, int32_t *space, size_t n, kfk__order_fn *order,
                     const void *context);

/* The same for |n| elements of |size| bytes (at most KFK__ORDER_ELEMENT), in place and not stable: for those of which none
 * are equal, or equals are the same. Neither recurses nor allocates. */
enum { KFK__ORDER_ELEMENT = 128 };
typedef int kfk__order_elements_fn(const void *a, const void *b);
void kfk__order_in_place(void *v, size_t n, size_t size, kfk__order_elements_fn *order);

#endif
