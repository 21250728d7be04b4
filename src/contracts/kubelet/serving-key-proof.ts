/**
 * How a kubelet shows that it is where it says, before its serving certificate is approved: asked for this server name
 * (TLS SNI), it answers with a self-signed certificate for the key that the pending request is about. Who connects to
 * every address of the request and finds that key there knows that the requester answers at all of them, and can take
 * from it nothing else: the certificate itself is worth nothing.
 */
export const SERVING_KEY_PROOF = 'serving-key.rostrum.dev'
