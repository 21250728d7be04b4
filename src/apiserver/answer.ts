/** What a request that is no watch is answered with, before it is put into bytes. */
import type { KubeObject } from '#api/kind.ts'
import type { Status } from '#machinery/status-error.ts'
import type { ListResult } from './list.ts'
import type { Written } from './registry/registry.ts'
import type { Listed } from './registry/object-cache.ts'

export type Answer =
  | { type: 'object'; code: number; object: KubeObject; cached?: Listed | undefined }
  | { type: 'list'; list: ListResult }
  | { type: 'status'; status: Status }

/** The answer to a write. */
export function answerOf(written: Written, code: number): Answer {
  return { type: 'object', code, object: written.object, ...(written.cached && { cached: written.cached }) }
}
