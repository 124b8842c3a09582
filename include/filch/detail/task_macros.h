/* The machinery of FILCH_TASK: picks by the number of arguments, then one definition for all of them.  It declares,
 * names and forwards; every decision at run time is an inline function in hot.h. */
#ifndef FILCH_DETAIL_TASK_MACROS_H
#define FILCH_DETAIL_TASK_MACROS_H

#define FILCH_DETAIL_CAT_(a, b) a##b
#define FILCH_DETAIL_CAT(a, b) FILCH_DETAIL_CAT_(a, b)
#define FILCH_DETAIL_FIRST(a, ...) a
#define FILCH_DETAIL_SECOND(a, b, ...) b
#define FILCH_DETAIL_BARE(...) __VA_ARGS__

/* The number of arguments after the function's name, MANY from 9 to 16. */
#define FILCH_DETAIL_COUNT(...)                                                                                       \
    FILCH_DETAIL_17TH(__VA_ARGS__, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, 8, 7, 6, 5, 4, 3, 2, 1, 0, ~)
#define FILCH_DETAIL_17TH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, count, ...) count

/* 1 if R is the token void.  `void *` does not match: its void is not followed by a parenthesis. */
#define FILCH_DETAIL_IS_VOID(R) FILCH_DETAIL_IS_VOID_(FILCH_DETAIL_VOID_##R(), 0, ~)
#define FILCH_DETAIL_IS_VOID_(...) FILCH_DETAIL_SECOND(__VA_ARGS__)
#define FILCH_DETAIL_VOID_void() ~, 1

#if !defined __cplusplus && !defined __clang__
#define FILCH_DETAIL_QUIET(...)                                                                                       \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wredundant-decls\"")                            \
        __VA_ARGS__ _Pragma("GCC diagnostic pop")
#define FILCH_DETAIL_TYPES_0(N) (void)
#define FILCH_DETAIL_TYPES_1(N, A) (__typeof__(A))
#define FILCH_DETAIL_TYPES_2(N, A, B) (__typeof__(A), __typeof__(B))
#define FILCH_DETAIL_TYPES_3(N, A, B, C) (__typeof__(A), __typeof__(B), __typeof__(C))
#define FILCH_DETAIL_TYPES_4(N, A, B, C, D) (__typeof__(A), __typeof__(B), __typeof__(C), __typeof__(D))
#define FILCH_DETAIL_TYPES_5(N, A, B, C, D, E)                                                                        \
    (__typeof__(A), __typeof__(B), __typeof__(C), __typeof__(D), __typeof__(E))
#define FILCH_DETAIL_TYPES_6(N, A, B, C, D, E, F)                                                                     \
    (__typeof__(A), __typeof__(B), __typeof__(C), __typeof__(D), __typeof__(E), __typeof__(F))
#define FILCH_DETAIL_TYPES_7(N, A, B, C, D, E, F, G)                                                                  \
    (__typeof__(A), __typeof__(B), __typeof__(C), __typeof__(D), __typeof__(E), __typeof__(F), __typeof__(G))
#define FILCH_DETAIL_TYPES_8(N, A, B, C, D, E, F, G, H)                                                               \
    (__typeof__(A), __typeof__(B), __typeof__(C), __typeof__(D), __typeof__(E), __typeof__(F), __typeof__(G),         \
     __typeof__(H))
#define FILCH_DETAIL_TYPES_MANY(...) (void)
#endif

/* For each number of arguments: fields, parameters (each after a comma), stores, values of a call. */
#define FILCH_DETAIL_FIELD(A, k) __typeof__(A) filch_##k;
#define FILCH_DETAIL_PARAM(A, k) , __typeof__(A) filch_##k
#define FILCH_DETAIL_STORE(k) filch_t->filch_##k = filch_##k;
#define FILCH_DETAIL_VALUE(k) filch_t->filch_##k

#define FILCH_DETAIL_TASK_0(P, R, N) FILCH_DETAIL_TASK(P, R, N, (), (), (), ())
#define FILCH_DETAIL_TASK_1(P, R, N, A)                                                                               \
    FILCH_DETAIL_TASK(P, R, N, (FILCH_DETAIL_FIELD(A, 1)), (FILCH_DETAIL_PARAM(A, 1)), (FILCH_DETAIL_STORE(1)),       \
                      (FILCH_DETAIL_VALUE(1)))
#define FILCH_DETAIL_TASK_2(P, R, N, A, B)                                                                            \
    FILCH_DETAIL_TASK(P, R, N, (FILCH_DETAIL_FIELD(A, 1) FILCH_DETAIL_FIELD(B, 2)),                                   \
                      (FILCH_DETAIL_PARAM(A, 1) FILCH_DETAIL_PARAM(B, 2)),                                            \
                      (FILCH_DETAIL_STORE(1) FILCH_DETAIL_STORE(2)), (FILCH_DETAIL_VALUE(1), FILCH_DETAIL_VALUE(2)))
#define FILCH_DETAIL_TASK_3(P, R, N, A, B, C)                                                                         \
    FILCH_DETAIL_TASK(P, R, N, (FILCH_DETAIL_FIELD(A, 1) FILCH_DETAIL_FIELD(B, 2) FILCH_DETAIL_FIELD(C, 3)),          \
                      (FILCH_DETAIL_PARAM(A, 1) FILCH_DETAIL_PARAM(B, 2) FILCH_DETAIL_PARAM(C, 3)),                   \
                      (FILCH_DETAIL_STORE(1) FILCH_DETAIL_STORE(2) FILCH_DETAIL_STORE(3)),                            \
                      (FILCH_DETAIL_VALUE(1), FILCH_DETAIL_VALUE(2), FILCH_DETAIL_VALUE(3)))
#define FILCH_DETAIL_TASK_4(P, R, N, A, B, C, D)                                                                      \
    FILCH_DETAIL_TASK(                                                                                                \
        P, R, N,                                                                                                      \
        (FILCH_DETAIL_FIELD(A, 1) FILCH_DETAIL_FIELD(B, 2) FILCH_DETAIL_FIELD(C, 3) FILCH_DETAIL_FIELD(D, 4)),        \
        (FILCH_DETAIL_PARAM(A, 1) FILCH_DETAIL_PARAM(B, 2) FILCH_DETAIL_PARAM(C, 3) FILCH_DETAIL_PARAM(D, 4)),        \
        (FILCH_DETAIL_STORE(1) FILCH_DETAIL_STORE(2) FILCH_DETAIL_STORE(3) FILCH_DETAIL_STORE(4)),                    \
        (FILCH_DETAIL_VALUE(1), FILCH_DETAIL_VALUE(2), FILCH_DETAIL_VALUE(3), FILCH_DETAIL_VALUE(4)))
#define FILCH_DETAIL_TASK_5(P, R, N, A, B, C, D, E)                                                                   \
    FILCH_DETAIL_TASK(P, R, N,                                                                                        \
                      (FILCH_DETAIL_FIELD(A, 1) FILCH_DETAIL_FIELD(B, 2) FILCH_DETAIL_FIELD(C, 3)                     \
                           FILCH_DETAIL_FIELD(D, 4) FILCH_DETAIL_FIELD(E, 5)),                                        \
                      (FILCH_DETAIL_PARAM(A, 1) FILCH_DETAIL_PARAM(B, 2) FILCH_DETAIL_PARAM(C, 3)                     \
                           FILCH_DETAIL_PARAM(D, 4) FILCH_DETAIL_PARAM(E, 5)),                                        \
                      (FILCH_DETAIL_STORE(1) FILCH_DETAIL_STORE(2) FILCH_DETAIL_STORE(3) FILCH_DETAIL_STORE(4)        \
                           FILCH_DETAIL_STORE(5)),                                                                    \
                      (FILCH_DETAIL_VALUE(1), FILCH_DETAIL_VALUE(2), FILCH_DETAIL_VALUE(3), FILCH_DETAIL_VALUE(4),    \
                       FILCH_DETAIL_VALUE(5)))
#define FILCH_DETAIL_TASK_6(P, R, N, A, B, C, D, E, F)                                                                \
    FILCH_DETAIL_TASK(P, R, N,                                                                                        \
                      (FILCH_DETAIL_FIELD(A, 1) FILCH_DETAIL_FIELD(B, 2) FILCH_DETAIL_FIELD(C, 3)                     \
                           FILCH_DETAIL_FIELD(D, 4) FILCH_DETAIL_FIELD(E, 5) FILCH_DETAIL_FIELD(F, 6)),               \
                      (FILCH_DETAIL_PARAM(A, 1) FILCH_DETAIL_PARAM(B, 2) FILCH_DETAIL_PARAM(C, 3)                     \
                           FILCH_DETAIL_PARAM(D, 4) FILCH_DETAIL_PARAM(E, 5) FILCH_DETAIL_PARAM(F, 6)),               \
                      (FILCH_DETAIL_STORE(1) FILCH_DETAIL_STORE(2) FILCH_DETAIL_STORE(3) FILCH_DETAIL_STORE(4)        \
                           FILCH_DETAIL_STORE(5) FILCH_DETAIL_STORE(6)),                                              \
                      (FILCH_DETAIL_VALUE(1), FILCH_DETAIL_VALUE(2), FILCH_DETAIL_VALUE(3), FILCH_DETAIL_VALUE(4),    \
                       FILCH_DETAIL_VALUE(5), FILCH_DETAIL_VALUE(6)))
#define FILCH_DETAIL_TASK_7(P, R, N, A, B, C, D, E, F, G)                                                             \
    FILCH_DETAIL_TASK(P, R, N,                                                                                        \
                      (FILCH_DETAIL_FIELD(A, 1) FILCH_DETAIL_FIELD(B, 2) FILCH_DETAIL_FIELD(C, 3) FILCH_DETAIL_FIELD( \
                          D, 4) FILCH_DETAIL_FIELD(E, 5) FILCH_DETAIL_FIELD(F, 6) FILCH_DETAIL_FIELD(G, 7)),          \
                      (FILCH_DETAIL_PARAM(A, 1) FILCH_DETAIL_PARAM(B, 2) FILCH_DETAIL_PARAM(C, 3) FILCH_DETAIL_PARAM( \
                          D, 4) FILCH_DETAIL_PARAM(E, 5) FILCH_DETAIL_PARAM(F, 6) FILCH_DETAIL_PARAM(G, 7)),          \
                      (FILCH_DETAIL_STORE(1) FILCH_DETAIL_STORE(2) FILCH_DETAIL_STORE(3) FILCH_DETAIL_STORE(4)        \
                           FILCH_DETAIL_STORE(5) FILCH_DETAIL_STORE(6) FILCH_DETAIL_STORE(7)),                        \
                      (FILCH_DETAIL_VALUE(1), FILCH_DETAIL_VALUE(2), FILCH_DETAIL_VALUE(3), FILCH_DETAIL_VALUE(4),    \
                       FILCH_DETAIL_VALUE(5), FILCH_DETAIL_VALUE(6), FILCH_DETAIL_VALUE(7)))
#define FILCH_DETAIL_TASK_8(P, R, N, A, B, C, D, E, F, G, H)                                                          \
    FILCH_DETAIL_TASK(                                                                                                \
        P, R, N,                                                                                                      \
        (FILCH_DETAIL_FIELD(A, 1) FILCH_DETAIL_FIELD(B, 2) FILCH_DETAIL_FIELD(C, 3) FILCH_DETAIL_FIELD(D, 4)          \
             FILCH_DETAIL_FIELD(E, 5) FILCH_DETAIL_FIELD(F, 6) FILCH_DETAIL_FIELD(G, 7) FILCH_DETAIL_FIELD(H, 8)),    \
        (FILCH_DETAIL_PARAM(A, 1) FILCH_DETAIL_PARAM(B, 2) FILCH_DETAIL_PARAM(C, 3) FILCH_DETAIL_PARAM(D, 4)          \
             FILCH_DETAIL_PARAM(E, 5) FILCH_DETAIL_PARAM(F, 6) FILCH_DETAIL_PARAM(G, 7) FILCH_DETAIL_PARAM(H, 8)),    \
        (FILCH_DETAIL_STORE(1) FILCH_DETAIL_STORE(2) FILCH_DETAIL_STORE(3) FILCH_DETAIL_STORE(4)                      \
             FILCH_DETAIL_STORE(5) FILCH_DETAIL_STORE(6) FILCH_DETAIL_STORE(7) FILCH_DETAIL_STORE(8)),                \
        (FILCH_DETAIL_VALUE(1), FILCH_DETAIL_VALUE(2), FILCH_DETAIL_VALUE(3), FILCH_DETAIL_VALUE(4),                  \
         FILCH_DETAIL_VALUE(5), FILCH_DETAIL_VALUE(6), FILCH_DETAIL_VALUE(7), FILCH_DETAIL_VALUE(8)))
#define FILCH_DETAIL_TASK_MANY(P, R, ...)                                                                             \
    FILCH_DETAIL_ASSERT(0, "FILCH_TASK takes a function of at most 8 arguments: pass the others in a struct")

#define FILCH_DETAIL_TASK(P, R, N, FIELDS, PARAMS, STORES, VALUES)                                                    \
    FILCH_DETAIL_TASK_OF(FILCH_DETAIL_IS_VOID(R), P, R, N, FIELDS, PARAMS, STORES, VALUES)
#define FILCH_DETAIL_TASK_OF(VOID, P, R, N, FIELDS, PARAMS, STORES, VALUES)                                           \
    FILCH_DETAIL_DEFINE(P, R, N, FIELDS, PARAMS, STORES, VALUES, FILCH_DETAIL_CAT(FILCH_DETAIL_RESULT_, VOID),        \
                        FILCH_DETAIL_CAT(FILCH_DETAIL_SET_, VOID), FILCH_DETAIL_CAT(FILCH_DETAIL_RETURN_, VOID),      \
                        FILCH_DETAIL_CAT(FILCH_DETAIL_GET_, VOID), FILCH_DETAIL_CAT(FILCH_DETAIL_OUT_, VOID),         \
                        FILCH_DETAIL_CAT(FILCH_DETAIL_COPY_, VOID))

/* What a result adds (_0) and what void leaves out (_1). */
#define FILCH_DETAIL_RESULT_0(R) R result;
#define FILCH_DETAIL_RESULT_1(R)
#define FILCH_DETAIL_SET_0(t) (t)->result =
#define FILCH_DETAIL_SET_1(t)
#if defined FILCH_CHECK && !defined FILCH_SERIAL
#define FILCH_DETAIL_RETURNED(t) filch_detail_returned(&(t)->head);
#define FILCH_DETAIL_RETURN_0(t, call)                                                                                \
    (t)->result = call;                                                                                               \
    FILCH_DETAIL_RETURNED(t) return (t)->result;
#else
#define FILCH_DETAIL_RETURNED(t)
#define FILCH_DETAIL_RETURN_0(t, call) return call;
#endif
#define FILCH_DETAIL_RETURN_1(t, call)                                                                                \
    call;                                                                                                             \
    FILCH_DETAIL_RETURNED(t)
#define FILCH_DETAIL_GET_0(t) return (t)->result;
#define FILCH_DETAIL_GET_1(t)
#define FILCH_DETAIL_OUT_0(R) , R *filch_out
#define FILCH_DETAIL_OUT_1(R)
#define FILCH_DETAIL_COPY_0(t)                                                                                        \
    if (!filch_error && filch_out)                                                                                    \
        *filch_out = (t)->result;
#define FILCH_DETAIL_COPY_1(t)

#if defined FILCH_SERIAL
#define FILCH_DETAIL_CALL_IN(rt, fn, arg) ((fn)(arg), (void)(rt), 0)
#else
#define FILCH_DETAIL_CALL_IN(rt, fn, arg) filch_run(rt, fn, arg)
#endif

#define FILCH_DETAIL_DEFINE(P, R, N, FIELDS, PARAMS, STORES, VALUES, RESULT, SET, RETURN, GET, OUT, COPY)             \
    typedef struct P##_task {                                                                                         \
        struct filch_detail_task head;                                                                                \
        RESULT(R) FILCH_DETAIL_BARE FIELDS                                                                            \
    } P##_task;                                                                                                       \
    static __attribute__((unused)) void P##_filch_run(void *filch_task_)                                              \
    {                                                                                                                 \
        P##_task *filch_t = FILCH_DETAIL_CAST(P##_task *, filch_task_);                                               \
        (void)filch_t;                                                                                                \
        SET(filch_t) N(FILCH_DETAIL_BARE VALUES);                                                                     \
    }                                                                                                                 \
    static const filch_site P##_filch_site                                                                            \
        __attribute__((unused)) = {P##_filch_run, #N, __FILE__, __LINE__, sizeof(P##_task)};                          \
    FILCH_DETAIL_INLINE void P##_spawn(P##_task *filch_t FILCH_DETAIL_BARE PARAMS)                                    \
    {                                                                                                                 \
        FILCH_DETAIL_BARE STORES filch_detail_spawn(&filch_t->head, &P##_filch_site);                                 \
    }                                                                                                                 \
    FILCH_DETAIL_INLINE R P##_sync(P##_task *filch_t)                                                                 \
    {                                                                                                                 \
        if (FILCH_DETAIL_LIKELY(filch_detail_sync(&filch_t->head))) {                                                 \
            RETURN(filch_t, N(FILCH_DETAIL_BARE VALUES))                                                              \
        } else {                                                                                                      \
            GET(filch_t)                                                                                              \
        }                                                                                                             \
    }                                                                                                                 \
    FILCH_DETAIL_INLINE void P##_sync_all(P##_task *filch_first, size_t filch_n)                                      \
    {                                                                                                                 \
        while (filch_n--) {                                                                                           \
            P##_task *filch_t = filch_first + filch_n;                                                                \
            if (FILCH_DETAIL_LIKELY(filch_detail_sync(&filch_t->head))) {                                             \
                SET(filch_t) N(FILCH_DETAIL_BARE VALUES);                                                             \
                FILCH_DETAIL_RETURNED(filch_t)                                                                        \
            }                                                                                                         \
        }                                                                                                             \
    }                                                                                                                 \
    static inline __attribute__((unused)) int P##_run(filch_runtime *filch_rt OUT(R) FILCH_DETAIL_BARE PARAMS)        \
    {                                                                                                                 \
        P##_task filch_task_;                                                                                         \
        P##_task *filch_t = &filch_task_;                                                                             \
        int filch_error;                                                                                              \
        (void)filch_t;                                                                                                \
        FILCH_DETAIL_BARE STORES filch_error = FILCH_DETAIL_CALL_IN(filch_rt, P##_filch_run, filch_t);                \
        COPY(filch_t)                                                                                                 \
        return filch_error;                                                                                           \
    }                                                                                                                 \
    static inline __attribute__((unused)) void P##_filch_end(P##_task *filch_t)                                       \
    {                                                                                                                 \
        if (filch_detail_pending(&filch_t->head))                                                                     \
            (void)P##_sync(filch_t);                                                                                  \
    }                                                                                                                 \
    FILCH_DETAIL_ASSERT(sizeof(P##_task) <= 1024, "a task has at most 1,024 bytes: pass " #N "'s large arguments by " \
                                                  "pointer")

#endif
