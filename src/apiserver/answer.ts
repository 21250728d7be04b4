/** What a write answers with. */
import type { Answer } from './api.ts'
import type { Written } from './registry/registry.ts'

export function answerOf(written: Written, code: number): Answer {
  return { type: 'object', code, object: written.object, ...(written.cached && { cached: written.cached }) }
}
