/** Specs that are not run: at most ten, each with its reason, none of an operation that training uses. */
export const exclusions = [];
