/** PersistentVolumeClaims and the templates they are made from. Upstream: `ValidatePersistentVolumeClaimSpec` and others. */
import { jsonEqual } from '#base/equal.ts'
import { validateLabels } from '#machinery/labels.ts'
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import { changesText } from './changes.ts'
import type { Stored } from '../../registry/strategy.ts'
import { validateAnnotations } from '../../registry/object-meta.ts'
import { all, type Check, fields, must, named, oneOf, Path, type Problems, required, SPEC } from './check.ts'
import { resourceAmount } from './resources.ts'
import { labelSelector } from './selectors.ts'

const accessMode = oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod')
const supportedModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

/** Reported at the list, not at its elements. */
export const accessModes: Check = (modes: readonly string[], at, to) => {
  for (const mode of modes) accessMode(mode, at, to)
  const known = modes.filter((mode) => supportedModes.includes(mode))
  if (known.includes('ReadWriteOncePod') && known.some((mode) => mode !== 'ReadWriteOncePod')) {
    to.forbidden(at, 'may not use ReadWriteOncePod with other access modes')
  }
}

export const volumeMode = oneOf('Block', 'Filesystem')

const storageRequest: Check = (resources, at, to) => {
  const storage: string | undefined = resources.requests?.storage
  const place = at.key('storage')
  if (storage === undefined) to.required(place)
  else if (Quantity.parse(storage).sign <= 0) to.invalid(place, storage, 'must be greater than zero')
  else resourceAmount('storage', storage, place, to)
}
storageRequest.seesMissing = true

const dataSource: Check = all(fields({ name: required, kind: required }), ({ kind, apiGroup = '' }, at, to) => {
  if (!apiGroup && kind !== 'PersistentVolumeClaim') {
    to.invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
  }
  if (apiGroup) to.each(at.at('apiGroup'), apiGroup, dnsSubdomain(apiGroup))
})

const dataSourcesAgree: Check = ({ dataSource: source, dataSourceRef: ref }, at, to) => {
  if (!source || !ref) return
  // Upstream shows the path of the field as the value that is wrong.
  if (ref.namespace) to.invalid(at, {}, 'may not be specified when dataSourceRef.namespace is specified')
  else if (!jsonEqual({ ...source }, { ...ref, namespace: undefined })) to.invalid(at, {}, 'must match dataSourceRef')
}

export const claimSpec: Check = all(
  fields({
    accessModes: [must('at least 1 access mode is required'), accessModes],
    selector: labelSelector,
    resources: (resources, at, to) => storageRequest(resources, at, to),
    storageClassName: named(dnsSubdomain),
    volumeMode,
    dataSource,
    dataSourceRef: [dataSource, fields({ namespace: named(dnsLabel) })],
    volumeAttributesClassName: named(dnsSubdomain),
  }),
  dataSourcesAgree,
)

/** Of a template only labels and annotations are taken over. */
export const templateMeta: Check = (metadata: Record<string, any>, at, to) => {
  to.add(validateAnnotations(metadata.annotations ?? {}, `${at}.annotations`))
  to.add(validateLabels(metadata.labels ?? {}, `${at}.labels`))
  for (const key in metadata) {
    // Upstream derives the field's name from that in its code.
    if (key !== 'labels' && key !== 'annotations') to.forbidden(at.at(key === 'uid' ? 'uID' : key), 'cannot be set')
  }
}

export const claimTemplate = fields({ metadata: templateMeta, spec: claimSpec })

export const persistentVolumeClaim = fields({ spec: claimSpec })

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

/** The only changes of a claim are its binding, growth, and its class where it had none. */
export function claimUpdateErrors(claim: Stored, old: Stored, to: Problems) {
  persistentVolumeClaim(claim, new Path(''), to)
  const [spec, was] = [claim.spec, old.spec]
  const [annotation, oldAnnotation] = [claim, old].map((c) => c.metadata.annotations?.[CLASS_ANNOTATION]) as (
    | string
    | undefined
  )[]
  const fromAnnotation =
    oldAnnotation !== undefined &&
    was.storageClassName === undefined &&
    spec.storageClassName === oldAnnotation &&
    (annotation === undefined || annotation === oldAnnotation)
  const fromNothing =
    spec.storageClassName !== undefined &&
    was.storageClassName === undefined &&
    (oldAnnotation === undefined || spec.storageClassName === oldAnnotation)
  if (!fromAnnotation && (annotation ?? '') !== (oldAnnotation ?? '')) {
    to.invalid(new Path('metadata').at('annotations', CLASS_ANNOTATION), annotation ?? '', 'field is immutable')
  }
  const isBound = claim.status?.phase === 'Bound'
  const comparable = (one: Record<string, any>) => {
    const { storage: _storage, ...requests } = one.resources?.requests ?? {}
    return {
      ...one,
      ...(isBound && { resources: { ...one.resources, requests }, volumeAttributesClassName: undefined }),
      ...((fromAnnotation || fromNothing) && { storageClassName: undefined }),
      ...(!was.volumeName && { volumeName: undefined }),
    }
  }
  if (!jsonEqual(comparable(spec), comparable(was))) {
    to.forbidden(
      SPEC,
      `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${changesText(was, spec)}`,
    )
  }
  checkShrinking(claim, old, to)
  if (spec.volumeMode !== was.volumeMode) to.invalid(new Path('volumeMode'), spec.volumeMode, 'field is immutable')
  if (
    spec.volumeAttributesClassName !== was.volumeAttributesClassName &&
    old.status?.currentVolumeAttributesClassName !== undefined
  ) {
    const what = spec.volumeAttributesClassName === undefined ? 'nil' : 'empty string'
    if (!spec.volumeAttributesClassName) {
      to.forbidden(
        SPEC.at('volumeAttributesClassName'),
        `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`,
      )
    }
  }
}

/** A claim that could not grow may be made smaller again, but not to what it already has. */
function checkShrinking(claim: Stored, old: Stored, to: Problems) {
  const size = (one: Stored) => Quantity.parse(one.spec.resources?.requests?.storage ?? '0')
  if (size(claim).cmp(size(old)) >= 0) return
  if (size(claim).cmp(Quantity.parse(old.status?.capacity?.storage ?? '0')) <= 0) {
    to.forbidden(SPEC.at('resources', 'requests', 'storage'), 'field can not be less than status.capacity')
  }
}
