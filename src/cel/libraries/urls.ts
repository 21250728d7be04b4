/** `url('https://example.com:80/').getHost()` (upstream: `apiserver/pkg/cel/library.URLs`). */
import { EvaluationError } from '../errors.ts'
import { GoUrl, UrlError, parseRequestUri, parseUrl } from '../go-url.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { FunctionDeclaration, Library } from '../library.ts'
import { ValueList } from '../lists.ts'
import { ValueMap } from '../maps.ts'
import { BOOL, STRING, listOf, mapOf, objectType } from '../types.ts'
import { Opaque } from '../values.ts'
import type { Result, Value } from '../values.ts'

const URL_TYPE = objectType('kubernetes.URL')

export class UrlValue extends Opaque {
  readonly type = URL_TYPE
  readonly url: GoUrl

  constructor(url: GoUrl) {
    super()
    this.url = url
  }

  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof UrlValue)) return new EvaluationError('noSuchOverload', 'no such overload')
    return this.url.toString() === other.url.toString()
  }

  override toString(): string {
    return `url(${this.url})`
  }
}

/** What `read` yields; the message where the text is no URL. */
function attempt<T>(read: () => T): T | UrlError {
  try {
    return read()
  } catch (error) {
    if (error instanceof UrlError) return error
    throw error
  }
}

function urlOf(text: string): Result {
  const url = attempt(() => {
    // Only absolute URLs are taken, but that reader would not see the fragment.
    parseRequestUri(text)
    return parseUrl(text)
  })
  if (url instanceof GoUrl) return new UrlValue(url)
  return new EvaluationError('function', `URL parse error during conversion from string: ${url.message}`)
}

function queryOf({ url }: UrlValue): Result {
  const map = new ValueMap()
  for (const [key, values] of url.query) map.set(key, new ValueList(values))
  return map
}

const part = (name: string, id: string, read: (url: GoUrl) => string): FunctionDeclaration =>
  declareFunction(
    name,
    memberOverload(id, [URL_TYPE], STRING, ({ url }: UrlValue) => read(url)),
  )

export const urlLibrary: Library = {
  name: 'URLs',
  functions: [
    declareFunction('url', overload('string_to_url', [STRING], URL_TYPE, urlOf)),
    part('getScheme', 'url_get_scheme', ({ scheme }) => scheme),
    part('getHost', 'url_get_host', ({ host }) => host),
    part('getHostname', 'url_get_hostname', ({ hostname }) => hostname),
    part('getPort', 'url_get_port', ({ port }) => port),
    part('getEscapedPath', 'url_get_escaped_path', ({ escapedPath }) => escapedPath),
    declareFunction('getQuery', memberOverload('url_get_query', [URL_TYPE], mapOf(STRING, listOf(STRING)), queryOf)),
    declareFunction(
      'isURL',
      overload(
        'is_url_string',
        [STRING],
        BOOL,
        (text: string) => attempt(() => parseRequestUri(text)) instanceof GoUrl,
      ),
    ),
  ],
}
