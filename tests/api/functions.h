/* Functions of 0 to 8 arguments, void and not, as one list: declared, named to filch, defined and used under any
 * prefix, so that each place where a program may have them is tried with all of them.  C and C++. */
#ifndef API_FUNCTIONS_H
#define API_FUNCTIONS_H

#include <filch.h>

struct api_pair {
    int first, second;
};

/* L: static or nothing.  P: the prefix. */
#define API_DECLARE(L, P)                                                                                             \
    L void P##v0(void);                                                                                               \
    L void P##v1(long *);                                                                                             \
    L void P##v2(long *, int);                                                                                        \
    L void P##v3(long *, int, const char *);                                                                          \
    L void P##v4(long *, int, const char *, struct api_pair);                                                         \
    L void P##v5(long *, int, const char *, struct api_pair, int (*)(int));                                           \
    L void P##v6(long *, int, const char *, struct api_pair, int (*)(int), unsigned char);                            \
    L void P##v7(long *, int, const char *, struct api_pair, int (*)(int), unsigned char, short);                     \
    L void P##v8(long *, int, const char *, struct api_pair, int (*)(int), unsigned char, short, const int *);        \
    L long P##r0(void);                                                                                               \
    L double P##r1(double);                                                                                           \
    L long P##r2(long, int);                                                                                          \
    L struct api_pair P##r3(int, const char *, struct api_pair);                                                      \
    L const char *P##r4(long, int, const char *, struct api_pair);                                                    \
    L long P##r5(long, int, const char *, struct api_pair, int (*)(int));                                             \
    L long P##r6(long, int, const char *, struct api_pair, int (*)(int), unsigned char);                              \
    L long P##r7(long, int, const char *, struct api_pair, int (*)(int), unsigned char, short);                       \
    L long P##r8(long, int, const char *, struct api_pair, int (*)(int), unsigned char, short, const int *)

/* TASK: FILCH_TASK or FILCH_HOT. */
#define API_TASKS(TASK, P)                                                                                            \
    TASK(void, P##v0);                                                                                                \
    TASK(void, P##v1, long *);                                                                                        \
    TASK(void, P##v2, long *, int);                                                                                   \
    TASK(void, P##v3, long *, int, const char *);                                                                     \
    TASK(void, P##v4, long *, int, const char *, struct api_pair);                                                    \
    TASK(void, P##v5, long *, int, const char *, struct api_pair, int (*)(int));                                      \
    TASK(void, P##v6, long *, int, const char *, struct api_pair, int (*)(int), unsigned char);                       \
    TASK(void, P##v7, long *, int, const char *, struct api_pair, int (*)(int), unsigned char, short);                \
    TASK(void, P##v8, long *, int, const char *, struct api_pair, int (*)(int), unsigned char, short, const int *);   \
    TASK(long, P##r0);                                                                                                \
    TASK(double, P##r1, double);                                                                                      \
    TASK(long, P##r2, long, int);                                                                                     \
    TASK(struct api_pair, P##r3, int, const char *, struct api_pair);                                                 \
    TASK(const char *, P##r4, long, int, const char *, struct api_pair);                                              \
    TASK(long, P##r5, long, int, const char *, struct api_pair, int (*)(int));                                        \
    TASK(long, P##r6, long, int, const char *, struct api_pair, int (*)(int), unsigned char);                         \
    TASK(long, P##r7, long, int, const char *, struct api_pair, int (*)(int), unsigned char, short);                  \
    TASK(long, P##r8, long, int, const char *, struct api_pair, int (*)(int), unsigned char, short, const int *)

#define API_DEFINE(L, P)                                                                                              \
    L void P##v0(void)                                                                                                \
    {                                                                                                                 \
    }                                                                                                                 \
    L void P##v1(long *out)                                                                                           \
    {                                                                                                                 \
        *out = 1;                                                                                                     \
    }                                                                                                                 \
    L void P##v2(long *out, int a)                                                                                    \
    {                                                                                                                 \
        *out = P##r2(10, a);                                                                                          \
    }                                                                                                                 \
    L void P##v3(long *out, int a, const char *b)                                                                     \
    {                                                                                                                 \
        *out = a + b[0];                                                                                              \
    }                                                                                                                 \
    L void P##v4(long *out, int a, const char *b, struct api_pair c)                                                  \
    {                                                                                                                 \
        *out = a + b[0] + c.first * c.second;                                                                         \
    }                                                                                                                 \
    L void P##v5(long *out, int a, const char *b, struct api_pair c, int (*d)(int))                                   \
    {                                                                                                                 \
        *out = P##r5(0, a, b, c, d);                                                                                  \
    }                                                                                                                 \
    L void P##v6(long *out, int a, const char *b, struct api_pair c, int (*d)(int), unsigned char e)                  \
    {                                                                                                                 \
        *out = P##r6(0, a, b, c, d, e);                                                                               \
    }                                                                                                                 \
    L void P##v7(long *out, int a, const char *b, struct api_pair c, int (*d)(int), unsigned char e, short f)         \
    {                                                                                                                 \
        *out = P##r7(0, a, b, c, d, e, f);                                                                            \
    }                                                                                                                 \
    L void P##v8(long *out, int a, const char *b, struct api_pair c, int (*d)(int), unsigned char e, short f,         \
                 const int *g)                                                                                        \
    {                                                                                                                 \
        *out = P##r8(0, a, b, c, d, e, f, g);                                                                         \
    }                                                                                                                 \
    L long P##r0(void)                                                                                                \
    {                                                                                                                 \
        return 40;                                                                                                    \
    }                                                                                                                 \
    L double P##r1(double a)                                                                                          \
    {                                                                                                                 \
        return a / 2;                                                                                                 \
    }                                                                                                                 \
    /* recursive, so that an optimiser may inline what a task calls */                                                \
    L long P##r2(long a, int b)                                                                                       \
    {                                                                                                                 \
        if (a < 2)                                                                                                    \
            return a + b;                                                                                             \
        P##r2_task t;                                                                                                 \
        P##r2_spawn(&t, a - 1, b);                                                                                    \
        long other = P##r2(a - 2, b);                                                                                 \
        return P##r2_sync(&t) + other;                                                                                \
    }                                                                                                                 \
    L struct api_pair P##r3(int a, const char *b, struct api_pair c)                                                  \
    {                                                                                                                 \
        struct api_pair r = {a + b[0], c.first - c.second};                                                           \
        return r;                                                                                                     \
    }                                                                                                                 \
    L const char *P##r4(long a, int b, const char *c, struct api_pair d)                                              \
    {                                                                                                                 \
        return a == b && d.first == 3 ? c : "wrong";                                                                  \
    }                                                                                                                 \
    L long P##r5(long a, int b, const char *c, struct api_pair d, int (*e)(int))                                      \
    {                                                                                                                 \
        return a * 1000 + b + c[0] + d.first + e(d.second);                                                           \
    }                                                                                                                 \
    L long P##r6(long a, int b, const char *c, struct api_pair d, int (*e)(int), unsigned char f)                     \
    {                                                                                                                 \
        return P##r5(a, b, c, d, e) * 10 + f;                                                                         \
    }                                                                                                                 \
    L long P##r7(long a, int b, const char *c, struct api_pair d, int (*e)(int), unsigned char f, short g)            \
    {                                                                                                                 \
        return P##r6(a, b, c, d, e, f) * 10 + g;                                                                      \
    }                                                                                                                 \
    L long P##r8(long a, int b, const char *c, struct api_pair d, int (*e)(int), unsigned char f, short g,            \
                 const int *h)                                                                                        \
    {                                                                                                                 \
        return P##r7(a, b, c, d, e, f, g) * 10 + *h;                                                                  \
    }

/* int USE(void): the number of values that are wrong, of all of P. */
#define API_USE(P, USE)                                                                                               \
    static int USE##negate(int n)                                                                                     \
    {                                                                                                                 \
        return -n;                                                                                                    \
    }                                                                                                                 \
    int USE(void)                                                                                                     \
    {                                                                                                                 \
        static const int eight = 8;                                                                                   \
        struct api_pair p = {3, 4}, q;                                                                                \
        long o[9] = {0}, value[9] = {0};                                                                              \
        double half;                                                                                                  \
        P##v0_task v0;                                                                                                \
        P##v1_task v1;                                                                                                \
        P##v2_task v2;                                                                                                \
        P##v3_task v3;                                                                                                \
        P##v4_task v4;                                                                                                \
        P##v5_task v5;                                                                                                \
        P##v6_task v6;                                                                                                \
        P##v7_task v7;                                                                                                \
        P##v8_task v8;                                                                                                \
        P##r0_task r0;                                                                                                \
        P##r1_task r1;                                                                                                \
        P##r2_task r2[3];                                                                                             \
        P##r3_task r3;                                                                                                \
        P##r4_task r4;                                                                                                \
        P##r5_task r5;                                                                                                \
        P##r6_task r6;                                                                                                \
        P##r7_task r7;                                                                                                \
        P##v0_spawn(&v0);                                                                                             \
        P##v1_spawn(&v1, &o[1]);                                                                                      \
        P##v2_spawn(&v2, &o[2], 1);                                                                                   \
        P##v3_spawn(&v3, &o[3], 1, "2");                                                                              \
        P##v4_spawn(&v4, &o[4], 1, "2", p);                                                                           \
        P##v5_spawn(&v5, &o[5], 1, "2", p, USE##negate);                                                              \
        P##v6_spawn(&v6, &o[6], 1, "2", p, USE##negate, 6);                                                           \
        P##v7_spawn(&v7, &o[7], 1, "2", p, USE##negate, 6, 7);                                                        \
        P##v8_spawn(&v8, &o[8], 1, "2", p, USE##negate, 6, 7, &eight);                                                \
        P##r0_spawn(&r0);                                                                                             \
        P##r1_spawn(&r1, 5);                                                                                          \
        P##r2_spawn(&r2[0], 8, 0);                                                                                    \
        P##r2_spawn(&r2[1], 9, 0);                                                                                    \
        P##r2_spawn(&r2[2], 10, 0);                                                                                   \
        P##r3_spawn(&r3, 1, "2", p);                                                                                  \
        P##r4_spawn(&r4, 7, 7, "right", p);                                                                           \
        P##r5_spawn(&r5, 1, 1, "2", p, USE##negate);                                                                  \
        P##r6_spawn(&r6, 1, 1, "2", p, USE##negate, 6);                                                               \
        P##r7_spawn(&r7, 1, 1, "2", p, USE##negate, 6, 7);                                                            \
        {                                                                                                             \
            FILCH_AUTO(P##r8, r8, 1, 1, "2", p, USE##negate, 6, 7, &eight);                                           \
            FILCH_AUTO(P##v0, end_of_scope);                                                                          \
            P##v0_sync(&end_of_scope);                                                                                \
            value[8] = P##r8_sync(&r8);                                                                               \
        }                                                                                                             \
        value[7] = P##r7_sync(&r7);                                                                                   \
        value[6] = P##r6_sync(&r6);                                                                                   \
        value[5] = P##r5_sync(&r5);                                                                                   \
        value[4] = P##r4_sync(&r4)[0];                                                                                \
        q = P##r3_sync(&r3);                                                                                          \
        P##r2_sync_all(r2, 3);                                                                                        \
        half = P##r1_sync(&r1);                                                                                       \
        value[0] = P##r0_sync(&r0);                                                                                   \
        P##v8_sync(&v8);                                                                                              \
        P##v7_sync(&v7);                                                                                              \
        P##v6_sync(&v6);                                                                                              \
        P##v5_sync(&v5);                                                                                              \
        P##v4_sync(&v4);                                                                                              \
        P##v3_sync(&v3);                                                                                              \
        P##v2_sync(&v2);                                                                                              \
        P##v1_sync(&v1);                                                                                              \
        P##v0_sync(&v0);                                                                                              \
        return (o[1] != 1) + (o[2] != 144) + (o[3] != 51) + (o[4] != 63) + (o[5] != 50) + (o[6] != 506) +             \
               (o[7] != 5067) + (o[8] != 50678) + (value[0] != 40) + (half < 2.49) + (half > 2.51) +                  \
               (r2[0].result != 21) + (r2[1].result != 34) + (r2[2].result != 55) + (q.first != 51) +                 \
               (q.second != -1) + (value[4] != 'r') + (value[5] != 1050) + (value[6] != 10506) +                      \
               (value[7] != 105067) + (value[8] != 1050678);                                                          \
    }

#endif
