/** Libraries: functions, macros and constants that an environment may offer (cel-go: `cel.Library`). */

/** What a library declares. Made by the functions of libraries/, opaque to everyone else. */
export interface Library {
  readonly name: string
}
