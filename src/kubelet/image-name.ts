/**
 * Names of images: `[registry/]repository[:tag][@digest]`, with Docker Hub's abbreviations spelled out. Pure.
 * Upstream: `distribution/reference`.
 */
export interface ImageName {
  /** With the registry: `docker.io/library/nginx`. */
  repository: string
  tag: string
  digest: string
}

/** The text is not the name of an image; the pod waits with InvalidImageName. */
export class ImageNameError extends Error {
  override readonly name = 'ImageNameError'
}

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const HOST_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const HOST = `(?:${HOST_PART}(?:\\.${HOST_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const REFERENCE = new RegExp(
  `^(?:(${HOST})/)?(${COMPONENT}(?:/${COMPONENT})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
)
const MAX_NAME = 255
const MAX_TEXT = 1024

/** Throws ImageNameError. A name without tag and digest gets the tag `latest`. */
export function parseImageName(text: string): ImageName {
  const invalid = (why: string) => new ImageNameError(`couldn't parse image name "${text}": ${why}`)
  // The pattern can backtrack: bound what it is given.
  if (text.length > MAX_TEXT) throw invalid('invalid reference format')
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  }
  const slash = text.indexOf('/')
  const first = slash < 0 ? '' : text.slice(0, slash)
  const isRegistry =
    first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase()
  const registry = isRegistry ? first : 'docker.io'
  const rest = isRegistry ? text.slice(slash + 1) : text
  const official = registry === 'docker.io' && !rest.includes('/')
  const full = `${registry === 'index.docker.io' ? 'docker.io' : registry}/${official ? 'library/' : ''}${rest}`
  const parts = REFERENCE.exec(full)
  if (!parts) {
    throw invalid(
      /[A-Z]/.test(rest.split(/[:@]/)[0]!)
        ? 'invalid reference format: repository name must be lowercase'
        : 'invalid reference format',
    )
  }
  const [, host, path, tag = '', digest = ''] = parts
  const repository = `${host}/${path}`
  if (path!.length > MAX_NAME) throw invalid('repository name must not be more than 255 characters')
  return { repository, tag: tag || digest ? tag : 'latest', digest }
}

/** The name as given, with `:latest` where neither tag nor digest is. Throws ImageNameError. */
export function withDefaultTag(image: string): string {
  const { tag, digest } = parseImageName(image)
  const hasTag = new RegExp(`:${tag.replaceAll('.', '\\.')}(@|$)`).test(image)
  return digest || hasTag ? image : `${image}:${tag}`
}
