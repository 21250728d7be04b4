/** What an attempt is, and what many of them have in common. */
import type { Cast } from './cast.ts'

/** One attempt to do what is not allowed, as it is sent, and how it must be refused. */
export interface Attempt {
  /** What is tried. */
  readonly name: string
  /** The common name of a certificate, with ` in GROUP` for each group; `nobody` has none. */
  readonly as: string
  /** Default: GET. */
  readonly method?: string
  /** Sent as it is. */
  readonly path: string
  readonly body?: object | ((cast: Cast) => object)
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** One of the cast's tokens, sent as a bearer token. */
  readonly token?: string
  /** Default: 403. */
  readonly code?: number
  /** A part of the message. */
  readonly says: string
}

export const RBAC = '/apis/rbac.authorization.k8s.io/v1'
export const notHeld = 'is attempting to grant RBAC permissions not currently held'
export const json = { 'content-type': 'application/json' }
export const mergePatch = { 'content-type': 'application/merge-patch+json' }
export const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' }
export const jsonPatch = { 'content-type': 'application/json-patch+json' }
export const applyPatch = { 'content-type': 'application/apply-patch+yaml' }
