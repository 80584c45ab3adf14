import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.rmi.NotBoundException;
import java.rmi.registry.LocateRegistry;
import java.rmi.server.RMISocketFactory;
import java.util.Arrays;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.remote.rmi.RMIConnection;
import javax.management.remote.rmi.RMIServer;

/**
 * Polls two gauges of every broker by JMX, each broker in a thread of its own, and prints one line per poll and gauge:
 * "id gauge value", or "id gauge - why there is none".
 *
 * Arguments: id=host:port of each broker's JMX agent.
 */
public final class Gauges {
    private static final long EVERY = 250;
    /** Milliseconds that a connect, a read, and a poll as a whole may take. */
    private static final int PATIENCE = 1000;
    private static final String[] NAMES = {"UnderReplicatedPartitions", "BrokerState"};
    private static final String[] BEANS = {
        "kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions",
        "kafka.server:type=KafkaServer,name=BrokerState",
    };

    public static void main(String[] arguments) throws Exception {
        String patience = Integer.toString(PATIENCE);
        System.setProperty("sun.rmi.transport.tcp.responseTimeout", patience);
        System.setProperty("sun.rmi.transport.tcp.handshakeTimeout", patience);
        RMISocketFactory.setSocketFactory(new Impatient());
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            new Thread(() -> watch(parts[0], parts[1]), parts[0]).start();
        }
    }

    private static void watch(String id, String address) {
        RMIConnection open = null;
        while (true) {
            long began = System.nanoTime();
            String[] values = new String[NAMES.length];
            boolean broken = false;
            try {
                if (open == null) {
                    open = connect(address);
                }
                for (int i = 0; i < BEANS.length; i++) {
                    values[i] = read(open, BEANS[i]);
                }
                if (since(began) > PATIENCE) {
                    Arrays.fill(values, "- took " + since(began) + " ms");
                }
            } catch (IOException | NotBoundException | RuntimeException error) {
                Arrays.fill(values, none(error));
                broken = true;
            }
            StringBuilder lines = new StringBuilder();
            for (int i = 0; i < NAMES.length; i++) {
                lines.append(id).append(' ').append(NAMES[i]).append(' ').append(values[i]).append('\n');
            }
            System.out.print(lines);
            System.out.flush();
            if (broken && open != null) {
                close(open);
                open = null;
            }
            pause(EVERY - since(began));
        }
    }

    /** By hand: a JMXConnector tries again by itself when a call fails, and so answers seconds too late. */
    private static RMIConnection connect(String address) throws IOException, NotBoundException {
        int colon = address.lastIndexOf(':');
        int port = Integer.parseInt(address.substring(colon + 1));
        RMIServer server = (RMIServer) LocateRegistry.getRegistry(address.substring(0, colon), port).lookup("jmxrmi");
        return server.newClient(null);
    }

    /** While a broker starts, the agent answers before the gauge exists. */
    private static String read(RMIConnection connection, String bean) throws IOException {
        try {
            Number value = (Number) connection.getAttribute(new ObjectName(bean), "Value", null);
            return Long.toString(value.longValue());
        } catch (JMException error) {
            return none(error);
        }
    }

    private static String none(Exception error) {
        String text = "- " + error.toString().replaceAll("\\s+", " ");
        return text.substring(0, Math.min(text.length(), 200));
    }

    private static void close(RMIConnection connection) {
        try {
            connection.close();
        } catch (IOException error) {
            // The other side is gone, or gives the connection up by itself when its lease ends.
        }
    }

    private static long since(long began) {
        return (System.nanoTime() - began) / 1_000_000;
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(Math.max(millis, 1));
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    /** RMI's own sockets wait for minutes. */
    private static final class Impatient extends RMISocketFactory {
        @Override
        public Socket createSocket(String host, int port) throws IOException {
            Socket socket = new Socket();
            try {
                socket.setSoTimeout(PATIENCE);
                socket.connect(new InetSocketAddress(host, port), PATIENCE);
            } catch (IOException error) {
                socket.close();
                throw error;
            }
            return socket;
        }

        @Override
        public ServerSocket createServerSocket(int port) throws IOException {
            return new ServerSocket(port);
        }
    }
}
