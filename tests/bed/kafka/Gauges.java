import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.rmi.NotBoundException;
import java.rmi.registry.LocateRegistry;
import java.rmi.server.RMISocketFactory;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
        ExecutorService worker = Executors.newSingleThreadExecutor();
        Poll poll = new Poll(address);
        while (true) {
            long began = System.nanoTime();
            Future<String[]> answer = worker.submit(poll);
            try {
                print(id, answer.get(PATIENCE, TimeUnit.MILLISECONDS));
            } catch (TimeoutException late) {
                print(id, none("no answer within " + PATIENCE + " ms"));
                finish(answer);
            } catch (InterruptedException | ExecutionException error) {
                throw new IllegalStateException(error);
            }
            pause(EVERY - (System.nanoTime() - began) / 1_000_000);
        }
    }

    /** Waits for a poll that is late. Every step of it has a deadline, and there is never more than one. */
    private static void finish(Future<String[]> answer) {
        try {
            answer.get();
        } catch (InterruptedException | ExecutionException error) {
            throw new IllegalStateException(error);
        }
    }

    /** One write a poll: lines of different brokers must not mix. */
    private static void print(String id, String[] values) {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < NAMES.length; i++) {
            lines.append(id).append(' ').append(NAMES[i]).append(' ').append(values[i]).append('\n');
        }
        System.out.print(lines);
        System.out.flush();
    }

    private static String[] none(String why) {
        String[] all = new String[NAMES.length];
        Arrays.fill(all, missing(why));
        return all;
    }

    private static String missing(String why) {
        String text = "- " + why.replaceAll("\\s+", " ");
        return text.substring(0, Math.min(text.length(), 200));
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(Math.max(millis, 1));
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    /** One look at both gauges, on a connection that is kept while it answers. */
    private static final class Poll implements Callable<String[]> {
        private final String host;
        private final int port;
        private RMIConnection open;

        private Poll(String address) {
            int colon = address.lastIndexOf(':');
            host = address.substring(0, colon);
            port = Integer.parseInt(address.substring(colon + 1));
        }

        @Override
        public String[] call() {
            try {
                if (open == null) {
                    open = connect();
                }
                String[] values = new String[BEANS.length];
                for (int i = 0; i < BEANS.length; i++) {
                    values[i] = read(BEANS[i]);
                }
                return values;
            } catch (IOException | NotBoundException | RuntimeException error) {
                // Not closed: a broker that does not answer cannot be told, and its lease on this one ends.
                open = null;
                return none(error.toString());
            }
        }

        /** By hand: a JMXConnector tries again by itself when a call fails, and so answers seconds too late. */
        private RMIConnection connect() throws IOException, NotBoundException {
            RMIServer server = (RMIServer) LocateRegistry.getRegistry(host, port).lookup("jmxrmi");
            return server.newClient(null);
        }

        /** While a broker starts, the agent answers before the gauge exists. */
        private String read(String bean) throws IOException {
            try {
                return Long.toString(((Number) open.getAttribute(new ObjectName(bean), "Value", null)).longValue());
            } catch (JMException error) {
                return missing(error.toString());
            }
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
