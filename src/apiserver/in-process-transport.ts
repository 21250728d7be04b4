/**
 * The Transport of components in the server's own process: authorised and admitted like any other request, but nothing is
 * serialised, and objects are shared with the cache.
 */
import type { Clock } from '#base/clock.ts'
import type { ApiRequest, Transport, WatchEvent, WatchSink } from '#client/transport.ts'
import type { KubeObject } from '#api/kind.ts'
import type { Api, Caller } from './api.ts'
import type { Answer } from './answer.ts'
import { openWatch } from './watch/open-watch.ts'
import type { SelectedEvent } from './watch/watch-groups.ts'
import type { User } from './user.ts'

/** `userAgent` names the manager of what is written. */
export function createInProcessTransport(
  api: Api,
  user: User,
  clock: Clock,
  userAgent = user.name.slice(user.name.lastIndexOf(':') + 1),
): Transport {
  const caller = (): Caller => ({ user, userAgent, warnings: [] })
  return {
    async call(request: ApiRequest, signal?: AbortSignal): Promise<unknown> {
      signal?.throwIfAborted()
      return valueOf(await api.perform(caller(), request), request)
    },
    watch(request: ApiRequest, sink: WatchSink): () => void {
      const plain = ({ type, object }: SelectedEvent) => ({ type, object })
      return openWatch(api, caller(), request, clock, {
        onInitial: (events) => sink.onEvents(events.map(plain)),
        onBatch: (batch) => sink.onEvents(batch.events.map(plain)),
        onBookmark: (object) => sink.onEvents([{ type: 'BOOKMARK', object } as WatchEvent<KubeObject>]),
        onEnd: (error) => sink.onEnd(error),
      })
    },
  }
}

function valueOf(answer: Answer, request: ApiRequest): unknown {
  if (answer.type === 'object') return answer.object
  if (answer.type === 'status') return answer.status
  return {
    apiVersion: request.resource.apiVersion,
    kind: request.resource.listKind ?? `${request.resource.kind}List`,
    metadata: answer.list.metadata,
    items: answer.list.entries.map((entry) => entry.object),
  }
}
