/* Errors and the version: each number has its sentence, and any other number has one, too. */
#include <filch.h>

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

Test(error, every_number_has_its_own_sentence)
{
    static const struct {
        int number;
        const char *name, *sentence;
    } errors[] = {
#define ROW(name, number, sentence) {name, #name, sentence},
        FILCH_ERRORS(ROW)
#undef ROW
    };
    enum { N = sizeof errors / sizeof *errors };
    for (int i = 0; i < N; i++) {
        const char *text = filch_strerror(errors[i].number);
        cr_assert(errors[i].number < 0, "%s", errors[i].name);
        cr_assert_str_eq(text, errors[i].sentence);
        cr_assert(strlen(text) > 10 && !strchr(text, '\n'), "%s: %s", errors[i].name, text);
        for (int j = 0; j < i; j++) {
            cr_assert_neq(errors[i].number, errors[j].number);
            cr_assert_str_neq(text, filch_strerror(errors[j].number));
        }
    }
}

/* They are stored by programs and printed in logs: a number never changes its meaning. */
Test(error, numbers_are_for_ever)
{
    cr_assert_eq(FILCH_OK, 0);
    cr_assert_eq(FILCH_EINVAL, -1);
    cr_assert_eq(FILCH_ENOMEM, -2);
    cr_assert_eq(FILCH_ETHREAD, -3);
    cr_assert_eq(FILCH_EBUSY, -4);
    cr_assert_eq(FILCH_ESTARTED, -5);
    cr_assert_eq(FILCH_EPIN, -6);
    cr_assert_eq(FILCH_ESTOPPED, -7);
}

Test(error, success_and_unknown_numbers_have_sentences)
{
    static const int unknown[] = {1, -1000, INT_MAX, INT_MIN, 22};
    cr_assert_str_eq(filch_strerror(0), "no error");
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        cr_assert_not_null(filch_strerror(unknown[i]));
        cr_assert(strlen(filch_strerror(unknown[i])) > 0);
        cr_assert_str_neq(filch_strerror(unknown[i]), filch_strerror(FILCH_OK));
        cr_assert_str_neq(filch_strerror(unknown[i]), filch_strerror(FILCH_EINVAL));
    }
}

Test(error, version_of_header_and_library)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", FILCH_VERSION_MAJOR, FILCH_VERSION_MINOR, FILCH_VERSION_PATCH);
    cr_assert_str_eq(FILCH_VERSION, text);
    cr_assert_str_eq(filch_version(), FILCH_VERSION);
}
