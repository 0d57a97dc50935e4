/** Returns node:crypto, which is loaded only when there is a file to check. */
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')

const certificates =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g

/** Returns the reason why a text does not contain PEM certificates; undefined if it does. */
export function checkCertificates(text: string): string | undefined {
  const found = text.match(certificates) ?? []
  if (found.length === 0) return 'holds no PEM certificate'
  const broken = found.findIndex(one => !isCertificate(one))
  return broken < 0 ? undefined : `certificate ${broken + 1} of ${found.length} is damaged`
}

/** Returns the reason why a text is not a private key in PEM; undefined if it is. */
export function checkPrivateKey(text: string): string | undefined {
  try {
    crypto().createPrivateKey(text)
    return undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    return code === 'ERR_MISSING_PASSPHRASE' || /ENCRYPTED/.test(text)
      ? 'the private key is encrypted: store it without a passphrase'
      : 'holds no PEM private key'
  }
}

/** True if the first certificate belongs to the key. */
export function belongTogether(certificate: string, key: string): boolean {
  const {createPrivateKey, X509Certificate} = crypto()
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
}

function isCertificate(text: string): boolean {
  try {
    return new (crypto().X509Certificate)(text).serialNumber !== ''
  } catch {
    return false
  }
}
