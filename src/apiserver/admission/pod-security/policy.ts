/**
 * The policy of a namespace: which profile, in which version, is enforced, audited and warned of, read from its labels.
 * Upstream: `pod-security-admission/api`.
 */
import type { FieldError } from '#machinery/status-error.ts'
import { invalidValue } from '../../registry/object-meta.ts'

const LEVELS = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof LEVELS)[number]
/** The minor version of Kubernetes whose policy is meant. */
export type PolicyVersion = number | 'latest'
export interface LevelVersion {
  level: Level
  version: PolicyVersion
}

export const MODES = ['enforce', 'audit', 'warn'] as const
export type Mode = (typeof MODES)[number]
export type Policy = Record<Mode, LevelVersion>

export const LABEL_PREFIX = 'pod-security.kubernetes.io/'
const levelLabel = (mode: Mode) => LABEL_PREFIX + mode
const versionLabel = (mode: Mode) => `${LABEL_PREFIX}${mode}-version`

const LATEST_PRIVILEGED: LevelVersion = { level: 'privileged', version: 'latest' }
export const PRIVILEGED: Policy = { enforce: LATEST_PRIVILEGED, audit: LATEST_PRIVILEGED, warn: LATEST_PRIVILEGED }

export const isStricter = (a: Level, b: Level) => LEVELS.indexOf(a) > LEVELS.indexOf(b)

export const samePolicy = (a: LevelVersion, b: LevelVersion) => a.level === b.level && a.version === b.version

/** `baseline:v1.30` */
export const policyText = ({ level, version }: LevelVersion) =>
  `${level}:${version === 'latest' ? version : `v1.${version}`}`

const isLevel = (text: string): text is Level => (LEVELS as readonly string[]).includes(text)
const VERSION = /^v1\.(\d|[1-9]\d{1,8})$/

const parseVersion = (text: string): PolicyVersion | undefined => {
  if (text === 'latest') return 'latest'
  const minor = VERSION.exec(text)?.[1]
  return minor === undefined ? undefined : Number(minor)
}

/**
 * The policy that labels ask for, and what is wrong with them. There always is a policy: what cannot be read is enforced
 * as strictly as can be, and neither audited nor warned of.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy,
): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = []
  if (!labels) return { policy: defaults, errors }
  const complain = (label: string, why: string) => {
    errors.push(invalidValue(`metadata.labels[${label}]`, labels[label], why))
  }
  const read = (mode: Mode): LevelVersion => {
    let { level, version } = defaults[mode]
    const levelText = labels[levelLabel(mode)]
    if (levelText !== undefined) {
      if (isLevel(levelText)) level = levelText
      else {
        level = mode === 'enforce' ? 'restricted' : 'privileged'
        complain(levelLabel(mode), `must be one of ${LEVELS.join(', ')}`)
      }
    }
    const versionText = labels[versionLabel(mode)]
    if (versionText !== undefined) {
      const parsed = parseVersion(versionText)
      version = parsed ?? 'latest'
      if (parsed === undefined) complain(versionLabel(mode), 'must be "latest" or "v1.x"')
    }
    return { level, version }
  }
  const policy: Policy = { enforce: read('enforce'), audit: read('audit'), warn: read('warn') }
  // Who enforces and does not speak of warnings wants to hear of what will be refused.
  const { enforce, warn } = policy
  const isEnforced = isLevel(labels[levelLabel('enforce')] ?? '')
  if (labels[levelLabel('warn')] === undefined && isEnforced && isStricter(enforce.level, warn.level)) {
    const version = labels[versionLabel('warn')] === undefined ? enforce.version : warn.version
    policy.warn = { level: enforce.level, version }
  }
  return { policy, errors }
}

/** Whether labels set a level or a version for `mode`. */
export const isSet = (labels: Readonly<Record<string, string>>, mode: Mode) =>
  labels[levelLabel(mode)] !== undefined || labels[versionLabel(mode)] !== undefined
