/**
 * The ConfigMap `kube-system/extension-apiserver-authentication`: by what extension API servers tell users, and that a
 * request which names one in its headers comes from this server. Upstream:
 * `pkg/controlplane/controller/clusterauthenticationtrust`.
 */
import { configMaps } from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import type { Client } from '#client/client.ts'
import { type FrontProxyOptions, REMOTE_EXTRA, REMOTE_GROUP, REMOTE_UID, REMOTE_USER } from './authn/front-proxy.ts'

export interface AuthenticationInfo {
  /** PEM. */
  clientCa: string
  frontProxy: FrontProxyOptions | undefined
}

const metadata = { namespace: 'kube-system', name: 'extension-apiserver-authentication' }

/** Throws StatusError. */
export async function ensureAuthenticationInfo(client: Client, info: AuthenticationInfo): Promise<void> {
  const data = dataOf(info)
  const found = await client.find(configMaps, metadata)
  if (!found) await client.create(configMaps, { metadata, data })
  else if (!jsonEqual(found.data, data)) await client.update(configMaps, { ...found, data })
}

function dataOf({ clientCa, frontProxy }: AuthenticationInfo): Record<string, string> {
  const list = (...values: readonly string[]) => JSON.stringify(values)
  if (!frontProxy) return { 'client-ca-file': clientCa }
  return {
    'client-ca-file': clientCa,
    'requestheader-allowed-names': list(...frontProxy.allowedNames),
    'requestheader-client-ca-file': frontProxy.ca,
    'requestheader-extra-headers-prefix': list(REMOTE_EXTRA),
    'requestheader-group-headers': list(REMOTE_GROUP),
    'requestheader-uid-headers': list(REMOTE_UID),
    'requestheader-username-headers': list(REMOTE_USER),
  }
}
