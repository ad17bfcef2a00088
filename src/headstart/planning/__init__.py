"""Facts in, plan out: every number that the work uses, with its unit, its why and where it comes from."""
