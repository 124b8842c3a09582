#include "filch.h"

const char *filch_strerror(int error)
{
    switch (error) {
    case FILCH_OK: return "no error";
#define SENTENCE(name, number, sentence)                                                                              \
    case number: return sentence;
        FILCH_ERRORS(SENTENCE)
#undef SENTENCE
    default: return "not an error number of filch";
    }
}

const char *filch_version(void)
{
    return FILCH_VERSION;
}
