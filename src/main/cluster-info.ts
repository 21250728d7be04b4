/**
 * The ConfigMap `kube-public/cluster-info`: where the cluster's API is and who signs its certificates, for machines that
 * are about to join. The bootstrap signer adds a signature for every token. Upstream: kubeadm.
 */
import { stringify } from 'yaml'
import { configMaps } from '#api/resources.ts'
import type { Client } from '#client/client.ts'

export interface ClusterInfo {
  /** `https://host:port`, as nodes reach it. */
  server: string
  /** PEM. */
  ca: string
}

/** Throws StatusError. */
export async function ensureClusterInfo(client: Client, { server, ca }: ClusterInfo): Promise<void> {
  const metadata = { name: 'cluster-info', namespace: 'kube-public' }
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: '', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    contexts: [],
    users: [],
    'current-context': '',
    preferences: {},
  })
  const found = await client.find(configMaps, metadata)
  if (!found) await client.create(configMaps, { metadata, data: { kubeconfig } })
  else if (found.data?.kubeconfig !== kubeconfig) await client.patch(configMaps, metadata, { data: { kubeconfig } })
}
