/** A watch recorded by a test: what it was told, and a way to wait for the next thing. */
import { systemClock } from '#base/clock.ts'
import type { KubeObject, Resource } from '#api/kind.ts'
import type { Client } from '#client/client.ts'
import type { RequestOptions, WatchEvent } from '#client/transport.ts'

export interface Watched<T extends KubeObject> extends Disposable {
  /** All events so far, in order. */
  readonly events: WatchEvent<T>[]
  /** Set once the watch is over. */
  readonly end: { readonly error: Error | undefined } | undefined
  /** Resolves as soon as `test` holds, which is asked after every event and the end. Rejects after 5 s. */
  until(test: (watched: Watched<T>) => boolean): Promise<void>
  /** Resolves with the end. */
  ended(): Promise<Error | undefined>
}

export function recordWatch<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  options: RequestOptions & { namespace?: string } = {},
): Watched<T> {
  const waiting = new Set<() => void>()
  const tell = () => {
    for (const check of waiting) check()
  }
  let end: { error: Error | undefined } | undefined
  let cancel = () => {}
  const watched: Watched<T> = {
    events: [],
    get end() {
      return end
    },
    until: (test) =>
      new Promise((resolve, reject) => {
        // Real time, whatever clock the test runs on: the bound is there for tests that are wrong.
        const late = systemClock.after(5000, () => {
          waiting.delete(check)
          reject(new Error(`it never came; there were ${JSON.stringify(watched.events)}`))
        })
        const check = () => {
          if (!test(watched)) return
          late.cancel()
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      }),
    async ended() {
      await watched.until(() => end !== undefined)
      return end!.error
    },
    [Symbol.dispose]: () => cancel(),
  }
  cancel = client.watch(resource, options, {
    onEvents(events) {
      watched.events.push(...events)
      tell()
    },
    onEnd(error) {
      end = { error }
      tell()
    },
  })
  return watched
}

/** `ADDED a 7`: enough to tell events apart. */
export function eventText(event: WatchEvent): string {
  if (event.type === 'ERROR') return `ERROR ${event.object.reason}`
  const { name = '', resourceVersion } = event.object.metadata
  return `${event.type} ${name} ${resourceVersion}`
}
