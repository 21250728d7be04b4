/** What answers paths that are no resources: discovery, OpenAPI, health. */
import type { Request } from './exchange.ts'

/** Answers a path that is not a resource; undefined where it has nothing at that path. */
export interface PathHandler {
  handle(path: string, req: Request, query: URLSearchParams): PathAnswer | undefined | Promise<PathAnswer | undefined>
}

export interface PathAnswer {
  code: number
  body: Buffer | string
  contentType: string
  /** Added to the common ones, or in their place. */
  headers?: Record<string, string>
}
