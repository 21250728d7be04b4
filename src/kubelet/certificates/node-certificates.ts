/** The two certificates of a node: with the one it talks to the API, with the other its kubelet serves. */
import { noNames } from '#base/alternative-names.ts'
import { formatIp, parseIp } from '#base/ip.ts'
import type { RotationOptions } from './rotating-certificate.ts'

type Terms = Pick<RotationOptions, 'purpose' | 'signerName' | 'usages' | 'subject' | 'names'>

const subjectOf = (nodeName: string) => ({
  commonName: `system:node:${nodeName}`,
  organizations: ['system:nodes'],
})

export const clientCertificateOf = (nodeName: string): Terms => ({
  purpose: 'client',
  signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
  usages: ['digital signature', 'client auth'],
  subject: subjectOf(nodeName),
  names: noNames,
})

/** For the node's own name and addresses. */
export const servingCertificateOf = (nodeName: string, addresses: readonly string[]): Terms => ({
  purpose: 'serving',
  signerName: 'kubernetes.io/kubelet-serving',
  usages: ['digital signature', 'server auth'],
  subject: subjectOf(nodeName),
  names: { ...noNames, dnsNames: [nodeName], ipAddresses: addresses.map(canonical) },
})

function canonical(address: string): string {
  const { family, value } = parseIp(address)
  return formatIp(family, value)
}
