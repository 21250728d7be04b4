/**
 * Tokens of the older kind: a Secret of type `kubernetes.io/service-account-token` gets a token for the account that it
 * names, and goes when the account does. Upstream: `pkg/controller/serviceaccount.TokensController`.
 */
import type { Secret, ServiceAccount } from '#api/core/v1/config.ts'
import { secrets, serviceAccounts } from '#api/resources.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { accountOf, isTokenOf, planTokenSecret, TOKEN_TYPE } from './token-secret.ts'

/** Whose token it is, and the Secret that keeps it. */
export interface KeptToken {
  readonly namespace: string
  readonly serviceaccount: { readonly name: string; readonly uid: string }
  readonly secret: { readonly name: string }
}

export interface TokenSecretOptions {
  /** Makes a token that is good as long as its Secret holds it. */
  sign(token: KeptToken): Promise<string>
}

const NAME = 'serviceaccount-token-controller'

/** `caBundle` is PEM; without it Secrets get no `ca.crt`. */
export const createTokenSecretController = ({ sign }: TokenSecretOptions, caBundle?: string): Controller => ({
  name: NAME,
  start(context) {
    const { client, informers } = context
    const accounts = informers.for(serviceAccounts)
    const tokenSecrets = informers.for(secrets, { fieldSelector: `type=${TOKEN_TYPE}` })
    const queue = reconcileLoop(context, {
      name: NAME,
      caches: [accounts, tokenSecrets],
      concurrency: 5,
      async reconcile(key, signal) {
        const [namespace = '', name = ''] = key.split('/')
        const secret = tokenSecrets.get(namespace, name)
        if (!secret) return
        const account = await findAccount(context, secret, signal)
        try {
          if (!account) {
            const { uid } = secret.metadata
            await client.delete(secrets, { namespace, name }, { preconditions: { uid } }, { signal })
            return
          }
          const plan = planTokenSecret(secret, account, caBundle)
          if (!plan) return
          const { uid } = account.metadata
          const kept = { namespace, serviceaccount: { name: account.metadata.name, uid }, secret: { name } }
          const token = plan.needsToken && { token: Buffer.from(await sign(kept)).toString('base64') }
          const { annotations, ...metadata } = secret.metadata
          await client.update(
            secrets,
            {
              ...secret,
              metadata: { ...metadata, annotations: { ...annotations, ...plan.annotations } },
              data: { ...secret.data, ...plan.data, ...token },
            },
            { signal },
          )
        } catch (err) {
          // It has changed since, and the change will be seen.
          if (!isStatus(err, 'Conflict', 'NotFound')) throw err
        }
      },
    })
    const enqueue = ({ metadata }: Secret) => queue.add(`${metadata.namespace}/${metadata.name}`)
    tokenSecrets.handle({
      added: enqueue,
      updated: enqueue,
      deleted: (secret) => void dropReference(context, secret).catch(() => {}),
    })
    const enqueueOf = (account: ServiceAccount) => {
      for (const secret of tokenSecrets.list(account.metadata.namespace))
        if (isTokenOf(secret, account)) enqueue(secret)
    }
    accounts.handle({ added: enqueueOf, deleted: enqueueOf })
  },
})

/** The account is asked for where the informer does not have it yet, because a Secret without one is deleted. */
async function findAccount(
  { client, informers }: ControllerContext,
  secret: Secret,
  signal: AbortSignal,
): Promise<ServiceAccount | undefined> {
  const namespace = secret.metadata.namespace!
  const { name } = accountOf(secret)
  if (!name) return undefined
  const known = informers.for(serviceAccounts).get(namespace, name)
  if (known && isTokenOf(secret, known)) return known
  const live = await client.find(serviceAccounts, { namespace, name }, { signal })
  return live && isTokenOf(secret, live) ? live : undefined
}

/** An account that lists its tokens should not list one that is gone. */
async function dropReference({ client, informers, signal }: ControllerContext, secret: Secret): Promise<void> {
  const account = informers.for(serviceAccounts).get(secret.metadata.namespace, accountOf(secret).name)
  if (!account?.secrets?.some(({ name }) => name === secret.metadata.name)) return
  const left = account.secrets.filter(({ name }) => name !== secret.metadata.name)
  await client.update(serviceAccounts, { ...account, secrets: left }, { signal })
}
