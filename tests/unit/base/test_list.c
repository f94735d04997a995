#include "unit/suite.h"

#include "base/list.h"

/* Nodes of two kinds of list at once, at an offset that is not 0. */
typedef struct item {
    int number;
    kfk__list link;
} item;

static kfk__list list, other;
static item items[6];

static void setup(void)
{
    kfk__list_init(&list);
    kfk__list_init(&other);
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        kfk__list_init(&items[i].link);
    }
}

/* The numbers in |l| are the digits of |expected|, forwards and backwards. */
static void check_list(const kfk__list *l, const char *expected)
{
    const kfk__list *at = kfk__list_first(l), *last = l;
    const char *digit;

    for (digit = expected; *digit; digit++) {
        ck_assert_ptr_nonnull(at);
        ck_assert_int_eq(KFK__ENTRY(at, item, link)->number, *digit - '0');
        ck_assert_ptr_eq(at->prev, last);
        last = at;
        at = kfk__list_next(l, at);
    }
    ck_assert_ptr_null(at);
    ck_assert_ptr_eq(l->prev, last);
    ck_assert_int_eq(kfk__list_empty(l), digit == expected);
}

static void push(kfk__list *l, const char *numbers)
{
    for (; *numbers; numbers++)
        kfk__list_push(l, &items[*numbers - '0'].link);
}

START_TEST(an_empty_list_has_no_first)
{
    check_list(&list, "");
    ck_assert_ptr_null(kfk__list_pop(&list));
}
END_TEST

START_TEST(nodes_go_to_the_end_the_front_and_between)
{
    push(&list, "12");
    kfk__list_push_front(&list, &items[0].link);
    kfk__list_insert(&items[2].link, &items[3].link);
    check_list(&list, "0132");
}
END_TEST

START_TEST(a_node_that_is_removed_is_in_no_list)
{
    push(&list, "0123");
    kfk__list_remove(&items[0].link);
    kfk__list_remove(&items[2].link);
    check_list(&list, "13");
    ck_assert(kfk__list_empty(&items[2].link));
    kfk__list_remove(&items[2].link); /* once more, which does nothing */
    check_list(&list, "13");
    kfk__list_push(&list, &items[2].link);
    check_list(&list, "132");
}
END_TEST

START_TEST(pop_takes_the_first)
{
    push(&list, "01");
    ck_assert_ptr_eq(kfk__list_pop(&list), &items[0].link);
    ck_assert(kfk__list_empty(&items[0].link));
    ck_assert_ptr_eq(kfk__list_pop(&list), &items[1].link);
    ck_assert_ptr_null(kfk__list_pop(&list));
}
END_TEST

START_TEST(splice_moves_all_to_the_end)
{
    push(&list, "01");
    push(&other, "234");
    kfk__list_splice(&list, &other);
    check_list(&list, "01234");
    check_list(&other, "");
    kfk__list_splice(&list, &other); /* nothing, to something */
    check_list(&list, "01234");
    kfk__list_splice(&other, &list); /* something, to nothing */
    check_list(&other, "01234");
    check_list(&list, "");
    kfk__list_push(&list, &items[5].link);
    check_list(&list, "5");
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("list");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, an_empty_list_has_no_first);
    tcase_add_test(t, nodes_go_to_the_end_the_front_and_between);
    tcase_add_test(t, a_node_that_is_removed_is_in_no_list);
    tcase_add_test(t, pop_takes_the_first);
    tcase_add_test(t, splice_moves_all_to_the_end);
    return run_suite("base/list", t);
}
