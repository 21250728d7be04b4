/** The shape of a defaulting function; apart from `defaults.ts`, so that the groups' own defaults can be imported there. */

/** A freshly decoded message; its parts are complete already. */
export type Draft = Record<string, any>
/** Completes one message in place. Must change nothing when it is called again. */
export type Defaulter = (draft: Draft) => void
