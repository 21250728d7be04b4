/**
 * Who may use the node agent's server: holders of a client certificate that the cluster's authority signed, and of those
 * only the API server and administrators. There is no anonymous access, on loopback neither. Pure.
 */
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'

const API_SERVER = 'kube-apiserver-kubelet-client'
const ADMINISTRATORS = 'system:masters'

/** `certificate` as a TLS socket that verified it gives it. */
export function mayUse(certificate: Partial<PeerCertificate | DetailedPeerCertificate> | undefined): boolean {
  const subject = certificate?.subject
  if (!subject) return false
  return toList(subject.CN).includes(API_SERVER) || toList(subject.O).includes(ADMINISTRATORS)
}

/** A subject may name an attribute several times. */
const toList = (value: string | string[] | undefined) => (value === undefined ? [] : [value].flat())
