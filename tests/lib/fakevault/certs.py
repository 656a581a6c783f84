"""A certificate authority made on the fly, and a server certificate for each host."""
import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    def __init__(self, folder, name='depfs test CA'):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.certificate = (
            x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name(name))
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY).not_valid_after(now + 30 * DAY)
            .add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256()))

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def context(self, host, first=-DAY, last=7 * DAY, highest=None):
        """A server's TLS context with a certificate for that host, valid from now + first."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        certificate = (
            x509.CertificateBuilder().subject_name(_name(host))
            .issuer_name(self.certificate.subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + first).not_valid_after(now + last)
            .add_extension(x509.SubjectAlternativeName([_host(host)]), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                self.key.public_key()), False)
            .sign(self.key, hashes.SHA256()))
        path = os.path.join(self.folder, f'{x509.random_serial_number():x}.pem')
        with open(path, 'wb') as f:
            f.write(key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))
            f.write(certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        os.unlink(path)
        if highest:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.set_ciphers('ALL:@SECLEVEL=0')
            context.maximum_version = highest
        return context


def broken_context(kind, authority, folder, host):
    """TLS as no client should accept it."""
    if kind == 'expired':
        return authority.context(host, first=-10 * DAY, last=-DAY)
    if kind == 'not-yet':
        return authority.context(host, first=DAY)
    if kind == 'wrong-name':
        return authority.context('another.example')
    if kind == 'unknown-ca':
        return Authority(folder, 'another authority').context(host)
    if kind == 'old-tls':
        return authority.context(host, highest=ssl.TLSVersion.TLSv1_1)
    raise ValueError(f'there is no TLS fault {kind}')
