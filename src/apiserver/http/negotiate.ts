/** What representation a client asks for by its Accept header. */
import { StatusError } from '#machinery/status-error.ts'

export interface Accepted {
  readonly format: 'json' | 'yaml'
  /** `undefined`: the object itself. */
  readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | undefined
}

const plain: Accepted = { format: 'json', as: undefined }
const formats: Record<string, 'json' | 'yaml'> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'application/yaml': 'yaml',
}

export const notAcceptable = (accepted: string) =>
  new StatusError('NotAcceptable', `only the following media types are accepted: ${accepted}`)

/** The first acceptable alternative; weights other than order are ignored, as upstream does. Throws NotAcceptable. */
export function negotiate(accept: string | undefined): Accepted {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return plain
  for (const alternative of accept.split(',')) {
    const [type, ...parameters] = alternative.split(';').map((part) => part.trim())
    const format = formats[type!.toLowerCase()]
    if (!format) continue
    const values = new Map(parameters.map((p) => p.split('=') as [string, string]))
    const as = values.get('as')
    if (as === undefined) return { format, as: undefined }
    const group = values.get('g')
    if (
      group === 'meta.k8s.io' &&
      values.get('v') === 'v1' &&
      (as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
    ) {
      return { format, as }
    }
  }
  throw notAcceptable('application/json, application/yaml')
}
