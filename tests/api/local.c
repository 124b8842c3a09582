/* Functions of external linkage whose FILCH_TASK is in the file that defines them; API_HOT: FILCH_HOT. */
#include "shared.h"

#if !defined API_HOT
#define API_HOT FILCH_TASK
#endif

#if defined __cplusplus
extern "C" {
#endif
API_DECLARE(, local_);
#if defined __cplusplus
}
#endif
API_TASKS(API_HOT, local_);
API_DEFINE(, local_)
API_USE(local_, local_all)
