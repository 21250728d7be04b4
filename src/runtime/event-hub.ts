/**
 * Container events for GetContainerEvents. Every subscriber has a queue of bounded length; one that does not read is
 * dropped (its stream ends), and finds out what it missed by listing, as the kubelet does on every reconnect.
 */
import type { CriMessageInit } from '#contracts/cri/types.ts'

export type ContainerEvent = CriMessageInit<'ContainerEventResponse'>

const QUEUE_LIMIT = 10_000

export class EventHub {
  readonly #subscribers = new Set<(event: ContainerEvent) => void>()

  get subscriberCount(): number {
    return this.#subscribers.size
  }

  publish(event: ContainerEvent): void {
    for (const deliver of this.#subscribers) deliver(event)
  }

  /** Events from now on, until `signal` aborts or the reader falls 10,000 events behind. */
  async *subscribe(signal: AbortSignal): AsyncGenerator<ContainerEvent> {
    const queue: ContainerEvent[] = []
    let wake = () => {}
    let overrun = false
    const deliver = (event: ContainerEvent) => {
      if (queue.length >= QUEUE_LIMIT) overrun = true
      else queue.push(event)
      wake()
    }
    const onAbort = () => wake()
    this.#subscribers.add(deliver)
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted && !overrun) {
        const event = queue.shift()
        if (event) yield event
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      this.#subscribers.delete(deliver)
      signal.removeEventListener('abort', onAbort)
    }
  }
}
