/**
 * Looks names up that others have made. Every object has members such as `constructor`, which a table of names must not be
 * taken to have.
 */

/** What the table itself has under the name. */
export const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined
