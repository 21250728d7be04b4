/**
 * Names of images: `nginx`, `quay.io/a/b:v1`, `host:5000/x@sha256:...`. Short names mean Docker Hub, as everywhere in
 * Kubernetes, so that one image has one name however it was written.
 */
export interface ImageReference {
  /** `docker.io`, `localhost:5000`. */
  registry: string
  /** `library/nginx`. */
  repository: string
  tag?: string
  /** `sha256:<64 hex>`. */
  digest?: string
}

/** The text is no name of an image. */
export class InvalidReferenceError extends Error {
  override readonly name = 'InvalidReferenceError'
}

const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/
const HOST =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d+)?$/

/** Throws InvalidReferenceError. Without tag and digest the tag is `latest`. */
export function parseReference(text: string): ImageReference {
  const invalid = (why: string) =>
    new InvalidReferenceError(`couldn't parse image name "${text}": invalid reference format: ${why}`)
  let rest = text
  let digest: string | undefined
  const at = rest.indexOf('@')
  if (at >= 0) {
    digest = rest.slice(at + 1)
    rest = rest.slice(0, at)
    if (!DIGEST.test(digest)) throw invalid('the digest is not sha256 with 64 hex digits')
  }
  let tag: string | undefined
  const colon = rest.lastIndexOf(':')
  if (colon > rest.lastIndexOf('/')) {
    tag = rest.slice(colon + 1)
    rest = rest.slice(0, colon)
    if (!TAG.test(tag)) throw invalid(`"${tag}" is no tag`)
  }
  const slash = rest.indexOf('/')
  const first = slash < 0 ? '' : rest.slice(0, slash)
  const named = first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase()
  let registry = named ? first : 'docker.io'
  let repository = named ? rest.slice(slash + 1) : rest
  if (registry === 'index.docker.io') registry = 'docker.io'
  if (!HOST.test(registry)) throw invalid(`"${registry}" is no host`)
  if (registry === 'docker.io' && !repository.includes('/')) repository = `library/${repository}`
  if (repository.length > 255 || !repository.split('/').every((part) => PATH.test(part))) {
    throw invalid('the repository must be lowercase letters, digits and separators')
  }
  if (!tag && !digest) tag = 'latest'
  return { registry, repository, ...(tag && { tag }), ...(digest && { digest }) }
}

/** With both, the digest decides what is meant; the tag is dropped as containerd does. */
export function formatReference({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${digest ? `@${digest}` : `:${tag ?? 'latest'}`}`
}

export const normalizeReference = (text: string) => formatReference(parseReference(text))
