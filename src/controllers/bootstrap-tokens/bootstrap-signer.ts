/**
 * Signs the ConfigMap `kube-public/cluster-info`, which anybody may read, with every bootstrap token that is there to
 * sign: so a machine that knows a token can tell that the address and the authority in it are the cluster's.
 * Upstream: `bootstrap-signer-controller`.
 */
import { BOOTSTRAP_TOKEN_NAMESPACE, BOOTSTRAP_TOKEN_TYPE, tokenOf } from '#api/core/v1/bootstrap-token.ts'
import type { ConfigMap, Secret } from '#api/core/v1/config.ts'
import { configMaps, secrets } from '#api/resources.ts'
import { signDetached } from '#machinery/detached-jws.ts'
import { type Controller, reconcileLoop } from '../controller.ts'

const NAMESPACE = 'kube-public'
const NAME = 'cluster-info'
const SIGNATURE = 'jws-kubeconfig-'

export const createBootstrapSigner = (): Controller => ({
  name: 'bootstrap-signer-controller',
  start(context) {
    const { client, clock, informers } = context
    const infos = informers.for(configMaps, { namespace: NAMESPACE, fieldSelector: `metadata.name=${NAME}` })
    const tokens = informers.for(secrets, {
      namespace: BOOTSTRAP_TOKEN_NAMESPACE,
      fieldSelector: `type=${BOOTSTRAP_TOKEN_TYPE}`,
    })
    const queue = reconcileLoop(context, {
      name: 'bootstrap-signer-controller',
      caches: [infos, tokens],
      concurrency: 1,
      async reconcile(_key, signal) {
        const info = infos.get(NAMESPACE, NAME)
        const data = info && withSignatures(info, tokens.list(), clock.now())
        if (data) await client.update(configMaps, { ...info, data }, { signal })
      },
    })
    const enqueue = () => queue.add(NAME)
    infos.handle({ added: enqueue, updated: enqueue })
    tokens.handle({ added: enqueue, updated: enqueue, deleted: enqueue })
  },
})

/** The content with one signature for each token; undefined where that is what is there, or nothing is to be signed. */
export function withSignatures(
  { data = {} }: ConfigMap,
  tokens: readonly Secret[],
  nowMs: number,
): Record<string, string> | undefined {
  const content = data.kubeconfig
  if (content === undefined) return undefined
  const wanted = Object.fromEntries(
    tokens.flatMap((secret) => {
      const token = tokenOf(secret, 'signing', nowMs)
      return token ? [[SIGNATURE + token.id, signDetached(content, token.id, token.secret)]] : []
    }),
  )
  const signed = Object.entries(data).filter(([key]) => key.startsWith(SIGNATURE))
  if (signed.length === Object.keys(wanted).length && signed.every(([key, value]) => wanted[key] === value))
    return undefined
  return { ...Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith(SIGNATURE))), ...wanted }
}
