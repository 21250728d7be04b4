/**
 * Annotations of pods that mean something: mirrors of static pods, costs of deletion, and the confinement that fields have
 * replaced since. Upstream: `ValidatePodSpecificAnnotations` and its relatives.
 */
import { own } from '#base/own.ts'
import type { Check, Path, Problems } from './check.ts'
import { descendingPath } from './paths.ts'

const MIRROR = 'kubernetes.io/config.mirror'
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod'
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/'
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/'
const LOCALHOST = 'localhost/'

type Annotations = Readonly<Record<string, string>>
type Spec = Record<string, any>

const COST = /^(?:0|-\d+|[1-9]\d*)$/
const MAX_INT32 = 0x7fff_ffff
const isInt32 = (text: string) => COST.test(text) && Number(text) <= MAX_INT32 && Number(text) >= -MAX_INT32 - 1

const seccomp: Check = (profile: string, at, to) => {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return
  if (profile.startsWith(LOCALHOST)) descendingPath(profile.slice(LOCALHOST.length), at, to)
  else to.invalid(at, profile, 'must be a valid seccomp profile')
}

const containersOf = (spec: Spec): [Record<string, any>, list: string, i: number][] =>
  ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    (spec[list] ?? []).map((container: Record<string, any>, i: number) => [container, list, i]),
  )

export function checkPodAnnotations(annotations: Annotations, spec: Spec, at: Path, to: Problems) {
  let names: Set<string> | undefined
  for (const key in annotations) {
    const value = annotations[key]!
    if (key === MIRROR && !spec.nodeName) {
      to.invalid(at.key(key), value, 'must set spec.nodeName if mirror pod annotation is set')
    }
    if (key === DELETION_COST && !isInt32(value)) to.invalid(at.key(key), value, 'must be a 32bit integer')
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER)) seccomp(value, at.at(key), to)
    if (key.startsWith(APPARMOR)) {
      const name = key.slice(APPARMOR.length)
      names ??= new Set(containersOf(spec).map(([container]) => container.name))
      if (!names.has(name)) {
        to.invalid(at.key(key), name, 'container not found')
      }
      if (!['', 'runtime/default', 'unconfined'].includes(value) && !value.startsWith(LOCALHOST)) {
        to.invalid(at.key(key), value, `invalid AppArmor profile name: ${JSON.stringify(value)}`)
      }
    }
  }
}

/** Some annotations say what a running pod is; they stay as they are. */
export function checkPodAnnotationChanges(annotations: Annotations, old: Annotations, at: Path, to: Problems) {
  for (const key in old) {
    if (annotations[key] === old[key]) continue
    if (key.startsWith(APPARMOR)) to.forbidden(at.key(key), 'may not remove or update AppArmor annotations')
    if (key === MIRROR) to.forbidden(at.key(key), 'may not remove or update mirror pod annotation')
  }
  for (const key in annotations) {
    if (key in old) continue
    if (key.startsWith(APPARMOR)) to.forbidden(at.key(key), 'may not add AppArmor annotations')
    if (key === MIRROR) to.forbidden(at.key(key), 'may not add mirror pod annotation')
  }
}

interface Profile {
  type: string
  localhostProfile?: string
}

const accepted: Readonly<Record<string, readonly string[]>> = {
  Unconfined: ['unconfined'],
  RuntimeDefault: ['runtime/default', 'docker/default'],
}

/** Whoever sets the field and the annotation has to say the same in both. */
function checkProfile(annotation: string | undefined, profile: Profile, what: string, at: Path, to: Problems) {
  if (annotation === undefined) return
  const values = own(accepted, profile.type)
  const agrees = values ? values.includes(annotation) : annotation.startsWith(LOCALHOST)
  if (profile.type !== 'Localhost' && !values) return
  if (!agrees) to.forbidden(at.at('type'), `${what} type in annotation and field must match`)
  else if (!values && annotation.slice(LOCALHOST.length) !== profile.localhostProfile) {
    to.forbidden(at.at('localhostProfile'), `${what} profile in annotation and field must match`)
  }
}

export function checkProfilesAgree(annotations: Annotations, spec: Spec, at: Path, to: Problems) {
  const ofPod = spec.securityContext ?? {}
  if (ofPod.seccompProfile) {
    const place = at.at('securityContext', 'seccompProfile')
    checkProfile(annotations[SECCOMP_POD], ofPod.seccompProfile, 'seccomp', place, to)
  }
  for (const [container, list, i] of containersOf(spec)) {
    const own = container.securityContext ?? {}
    const place = at.at(list).index(i).at('securityContext')
    if (own.seccompProfile) {
      const annotation = annotations[SECCOMP_CONTAINER + container.name]
      checkProfile(annotation, own.seccompProfile, 'seccomp', place.at('seccompProfile'), to)
    }
    const appArmor = own.appArmorProfile ?? ofPod.appArmorProfile
    if (appArmor && spec.os?.name !== 'windows') {
      checkProfile(annotations[APPARMOR + container.name], appArmor, 'apparmor', place.at('appArmorProfile'), to)
    }
  }
}
