/* Forced steals, under the model checker: fl_deque_force against the hot path of filch/detail/hot.h, in its C form, and
 * against each slow path.  How a scenario reads: deque_play.h.
 *
 *   F1, the Dekker pair, is what all of it is about: the owner's light fence between bottom and limit stands for a
 *   compiler barrier, the forcer's heavy one for membarrier.  That the owner runs a long function needs no step of its
 *   own: it may be stopped anywhere. */
#include "deque_play.h"

static const struct mc_scenario scenarios[] = {
    {"hot_path", test, SETUP("s0", .forcers = 1, .looks = 1, .capacity = 4), FULL,
     "forced settled waited released nothing_private force_lost", NULL, "one task: the owner's or the forcer's",
     false},
    {"same_slot_again", test, SETUP("s0s1", .forcers = 1, .looks = 1, .capacity = 4), FULL,
     "forced settled waited nothing_private force_lost", NULL, "the forcer may look at one task and take the other",
     false},
    {"oldest_of_two", test, SETUP("ss10", .forcers = 1, .looks = 1, .capacity = 8), FULL,
     "forced settled waited nothing_private force_lost published", NULL, "the owner syncs the other one meanwhile",
     false},
    {"twice_in_a_row", test, SETUP("ss10", .forcers = 1, .looks = 2, .capacity = 8), BOUND(2),
     "forced two_settled waited", NULL, "both tasks, before the owner comes by", false},
    {"oldest_of_three", test, SETUP("sss210", .forcers = 1, .looks = 1, .capacity = 8), FULL,
     "forced settled waited published above_taken", NULL, "and the request is answered", false},
    {"waiting", test, SETUP("s0", .forcers = 1, .looks = 2, .capacity = 4, .helps = true), STALE(1),
     "forced settled helped released", NULL, "spawns above the slot of a forced task, and gives it back", false},
    {"out_of_order", test, SETUP("ss01", .forcers = 1, .looks = 1, .capacity = 8), FULL,
     "forced settled two_settled hole waited", NULL, "a hole where the forcer looks, and a task above it", false},
    {"holes", test, SETUP("sss021", .forcers = 1, .looks = 2, .capacity = 8), BOUND(2), "forced two_settled hole",
     NULL, "holes at both ends", true},
    {"full", test, SETUP("ss10", .forcers = 1, .looks = 1, .capacity = 2), FULL, "forced settled ran_at_spawn", NULL,
     "bottom is 0 for a moment", false},
    {"answered", test, SETUP("ss10", .forcers = 1, .looks = 1, .capacity = 4, .asked = true), FULL,
     "forced settled published", NULL, "publications, and taking back", false},
    {"suspended", test, SETUP("s0", .forcers = 1, .looks = 1, .capacity = 4, .suspends = true), FULL,
     "forced settled await_wins done_wins done_already migrated", NULL, "the fiber leaves because of a forced task",
     false},
    {"left_with_tasks", test, SETUP("ss01", .forcers = 1, .looks = 1, .capacity = 4, .suspends = true, .later = 1),
     FULL, "forced two_settled left_behind migrated from_suspended", NULL,
     "what the fiber leaves is public, the forcer does not take it twice", false},
    {"cold", test, SETUP("sss210", .forcers = 1, .looks = 1, .capacity = 8, .cold = true), FULL,
     "forced settled waited short_way", NULL, "nothing is published, limit follows the syncs down", false},
    {"cold_and_asked", test, SETUP("ss10", .thieves = 1, .looks = 1, .capacity = 8, .asked = true, .cold = true), FULL,
     "asked short_way", NULL, "the short way takes the question with the request", false},
    {"two_forcers", test, SETUP("s0", .forcers = 2, .looks = 1, .capacity = 4), BOUND(2),
     "forced settled waited force_lost nothing_private", NULL, "one task", false},
    {"two_forcers_two_tasks", test, SETUP("ss10", .forcers = 2, .looks = 1, .capacity = 4), PCT(20000),
     "forced settled two_settled", NULL, "one each, at random", false},
    {"forcer_and_thief", test, SETUP("ss10", .thieves = 1, .forcers = 1, .looks = 1, .capacity = 4), BOUND(2),
     "forced settled stolen asked", NULL, "publications feed the thief, or the forcer was first", true},
    {"everybody", test, SETUP("ss0ss132", .thieves = 1, .forcers = 2, .looks = 3, .capacity = 5, .helps = true),
     PCT(20000), "forced two_settled stolen hole published", NULL, "at random", false},
    {"everybody_suspended", test,
     SETUP("ss0ss132", .thieves = 1, .forcers = 2, .looks = 3, .capacity = 5, .suspends = true, .later = 2),
     PCT(20000), "forced two_settled stolen hole left_behind migrated await_wins done_wins", NULL, "at random", false},
    {0},
};

/* What the checker does not explore (README.md). */
static const struct mc_equivalent equivalents[] = {
    {"force_look:rlx", "2+2W: by modification order the owner's limit could come after the REQUEST; here it cannot"},
    {"force_commit:rlx",
     "load buffering: the slot could be read after the owner, which knows of the claim, reuses it"},
    {"hold:rlx", "the other half of force_commit"},
    {"cold_hold:rlx", "likewise"},
    {"cold_let_go:rlx", "the other half of force_look: only limit is stored after the last light fence"},
    {NULL, NULL},
};

const struct mc_program mc_program = {.name = "force", .scenarios = scenarios, .equivalents = equivalents};
