/** What a Secret that holds a service account's token should hold. Pure. */
import type { Secret, ServiceAccount } from '#api/core/v1/config.ts'

export const TOKEN_TYPE = 'kubernetes.io/service-account-token'
const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
const ACCOUNT_UID = 'kubernetes.io/service-account.uid'

/** The account that the Secret is for; its uid is empty as long as nobody has looked. */
export function accountOf({ metadata }: Secret): { name: string; uid: string } {
  const { [ACCOUNT_NAME]: name = '', [ACCOUNT_UID]: uid = '' } = metadata.annotations ?? {}
  return { name, uid }
}

export function isTokenOf(secret: Secret, { metadata }: Pick<ServiceAccount, 'metadata'>): boolean {
  const { name, uid } = accountOf(secret)
  return secret.metadata.namespace === metadata.namespace && name === metadata.name && (!uid || uid === metadata.uid)
}

export interface TokenSecretPlan {
  /** The Secret lacks a token. */
  readonly needsToken: boolean
  /** What else it lacks, with its annotations. */
  readonly data: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Undefined where nothing is missing. `ca` is PEM. */
export function planTokenSecret(
  secret: Secret,
  account: ServiceAccount,
  ca: string | undefined,
): TokenSecretPlan | undefined {
  const { data = {}, metadata } = secret
  const missing: Record<string, string> = {}
  if (ca !== undefined && data['ca.crt'] !== base64(ca)) missing['ca.crt'] = base64(ca)
  if (!data.namespace) missing.namespace = base64(metadata.namespace!)
  const needsToken = !data.token
  if (!needsToken && Object.keys(missing).length === 0) return undefined
  const annotations = { [ACCOUNT_NAME]: account.metadata.name, [ACCOUNT_UID]: account.metadata.uid }
  return { needsToken, data: missing, annotations }
}
