/** What it takes to reach a cluster of this machine as its administrator. */
import { CliError } from '#cli/cli-error.ts'
import type { ClusterAccess } from '#cli/kubeconfig-file.ts'
import type { ClusterDescription, ClusterDirectory } from './cluster-directory.ts'
import { pkiDirectory } from './pki.ts'

/** What kubectl calls the cluster. */
export const contextName = (cluster: string) => (cluster === 'default' ? 'rostrum' : `rostrum-${cluster}`)

/** Throws CliError where the cluster's keys are not there. */
export function accessOf(directory: ClusterDirectory, description: ClusterDescription): ClusterAccess {
  const files = pkiDirectory(directory.in('server', 'pki'))
  const read = (name: string) => {
    const text = files.read(name)
    if (text === undefined)
      throw new CliError('failed', `${directory.in('server', 'pki', name)} is missing`, {
        hint: `rostrum up --name ${directory.name}`,
      })
    return text
  }
  return {
    name: contextName(directory.name),
    server: `https://127.0.0.1:${description.port}`,
    ca: read('ca.crt'),
    clientCert: read('admin.crt'),
    clientKey: read('admin.key'),
  }
}
