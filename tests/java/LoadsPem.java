import java.util.*;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/** Loads key store and trust store as a broker does; prints the kind of the key and the number of CAs. */
public class LoadsPem {
    public static void main(String[] args) throws Exception {
        Map<String, Object> settings = new HashMap<>();
        settings.put("ssl.protocol", "TLSv1.3");
        settings.put("ssl.enabled.protocols", Arrays.asList("TLSv1.2", "TLSv1.3"));
        settings.put("ssl.cipher.suites", new ArrayList<String>());
        settings.put("ssl.keymanager.algorithm", "SunX509");
        settings.put("ssl.trustmanager.algorithm", "PKIX");
        settings.put("ssl.keystore.type", "PEM");
        settings.put("ssl.keystore.location", args[0] + "/keystore.pem");
        settings.put("ssl.truststore.type", "PEM");
        settings.put("ssl.truststore.location", args[0] + "/truststore.pem");
        char[] password = args.length > 1 ? args[1].toCharArray() : null;
        if (password != null) {
            settings.put("ssl.key.password", new Password(args[1]));
        }
        DefaultSslEngineFactory factory = new DefaultSslEngineFactory();
        factory.configure(settings);
        String key = factory.keystore().getKey("kafka", password).getAlgorithm();
        System.out.println(key + " " + factory.truststore().size());
    }
}
