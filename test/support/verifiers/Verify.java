// Does Java trust a certificate by the roots of a keystore? Prints `accepted` or `refused: why`.
import java.io.File;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

public class Verify {
  public static void main(String[] arguments) throws Exception {
    KeyStore store = KeyStore.getInstance(new File(arguments[0]), "changeit".toCharArray());
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    X509TrustManager manager = (X509TrustManager) factory.getTrustManagers()[0];
    X509Certificate leaf;
    try (FileInputStream file = new FileInputStream(arguments[1])) {
      leaf = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(file);
    }
    try {
      manager.checkServerTrusted(new X509Certificate[] {leaf}, "UNKNOWN");
      System.out.println("accepted");
    } catch (CertificateException error) {
      System.out.println("refused: " + error.getMessage());
    }
  }
}
