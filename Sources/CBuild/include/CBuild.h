// What the build was told of itself. In C, because Swift has no definitions with values.
#ifndef HAT_CBUILD_H
#define HAT_CBUILD_H
/// `HAT_COMMIT` in the environment of the build; empty where there was none.
const char *hat_build_commit(void);
#endif
