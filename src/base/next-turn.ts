/** Resolves when the event loop has come round: everybody else has had a turn, and every settled promise has gone on. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
