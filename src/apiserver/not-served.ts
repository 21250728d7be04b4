/** Refusals of requests that are well understood, but not served. */
import { patchContentTypes } from '#client/transport.ts'
import { StatusError } from '#machinery/status-error.ts'

export const notServed = () => new StatusError('NotFound', 'the server could not find the requested resource')

/** Types that users have described say nothing of how their lists are patched. */
export const noMergeKeys = () => {
  const accepted = [patchContentTypes.json, patchContentTypes.merge, patchContentTypes.apply].join(', ')
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`
  return new StatusError('UnsupportedMediaType', message)
}
