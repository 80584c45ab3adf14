import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.utils.ByteUtils;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * Replays the segments of a metadata log, or one snapshot of it, with Kafka's own image, and prints after each batch what it
 * says of one broker: the offset, the number of topics, whether the broker is fenced, and its replicas. Arguments: the
 * directory, the broker's id.
 */
public final class Ledger {
    public static void main(String[] arguments) throws Exception {
        int broker = Integer.parseInt(arguments[1]);
        List<Path> segments = new ArrayList<>();
        try (var files = Files.list(Path.of(arguments[0]))) {
            files.filter(path -> path.toString().matches(".*[.](log|checkpoint)")).sorted().forEach(segments::add);
        }
        MetadataImage image = MetadataImage.EMPTY;
        StringBuilder out = new StringBuilder();
        String last = "";
        for (Path segment : segments) {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(segment));
            // Where the classes for batches are differs from release to release; their format does not.
            while (bytes.remaining() > 61 && bytes.remaining() >= 12 + bytes.getInt(bytes.position() + 8)) {
                ByteBuffer batch = bytes.slice(bytes.position(), 12 + bytes.getInt(bytes.position() + 8));
                bytes.position(bytes.position() + batch.limit());
                MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
                boolean control = (batch.getShort(21) & 0x20) != 0;
                batch.position(61);
                for (int left = control ? 0 : batch.getInt(57); left > 0; left--) {
                    int size = ByteUtils.readVarint(batch);
                    ByteBuffer record = batch.slice(batch.position(), size);
                    batch.position(batch.position() + size);
                    record.get();
                    ByteUtils.readVarlong(record);
                    ByteUtils.readVarint(record);
                    int key = ByteUtils.readVarint(record);
                    record.position(record.position() + Math.max(0, key));
                    int length = ByteUtils.readVarint(record);
                    ByteBuffer value = record.slice(record.position(), length);
                    ApiMessageAndVersion message = MetadataRecordSerde.INSTANCE.read(new ByteBufferAccessor(value), length);
                    // MetadataBatchLoader takes these out.
                    if (!message.message().getClass().getSimpleName().endsWith("TransactionRecord")) {
                        delta.replay(message.message());
                    }
                }
                long lastOffset = batch.getLong(0) + batch.getInt(23);
                image = delta.apply(provenance(lastOffset, batch.getInt(12), batch.getLong(35)));
                String told = tell(image, broker);
                if (!told.equals(last)) {
                    out.append(lastOffset).append(' ').append(told).append('\n');
                    last = told;
                }
            }
        }
        System.out.print(out);
    }

    private static MetadataProvenance provenance(long offset, int epoch, long timestamp) throws Exception {
        var constructor = Arrays.stream(MetadataProvenance.class.getConstructors())
            .filter(one -> one.getParameterCount() >= 3).findFirst().orElseThrow();
        return (MetadataProvenance) (constructor.getParameterCount() == 3
            ? constructor.newInstance(offset, epoch, timestamp) : constructor.newInstance(offset, epoch, timestamp, true));
    }

    private static String tell(MetadataImage image, int broker) {
        BrokerRegistration registration = image.cluster().broker(broker);
        boolean fenced = !lives(image, broker);
        TreeMap<String, String> replicas = new TreeMap<>();
        for (TopicImage topic : image.topics().topicsById().values()) {
            topic.partitions().forEach((index, partition) -> {
                int at = position(partition.replicas, broker);
                if (at >= 0) {
                    replicas.put(topic.name() + "-" + index, tell(image, partition, broker, fenced, at, registration));
                }
            });
        }
        return image.topics().topicsById().size() + " " + fenced + " " + replicas;
    }

    private static boolean lives(MetadataImage image, int broker) {
        BrokerRegistration registration = image.cluster().broker(broker);
        return registration != null && !registration.fenced();
    }

    private static String tell(MetadataImage image, PartitionRegistration partition, int broker, boolean fenced, int at,
            BrokerRegistration registration) {
        Uuid directory = at < partition.directories.length ? partition.directories[at] : null;
        boolean offline = fenced || (directory != null && !registration.hasOnlineDir(directory));
        long eligible = Arrays.stream(partition.elr)
            .filter(id -> id != broker && position(partition.isr, id) < 0 && lives(image, id)).count();
        return partition.leader + (position(partition.isr, broker) >= 0 ? " in" : " out") + (offline ? " offline" : "")
            // One may be both, when a reassignment takes the place of another; what is added counts as that.
            + (position(partition.addingReplicas, broker) >= 0 ? " adding"
                : position(partition.removingReplicas, broker) >= 0 ? " removing" : "")
            + " " + partition.replicas.length + "/" + partition.isr.length + "/" + eligible;
    }

    private static int position(int[] ids, int id) {
        for (int at = 0; at < ids.length; at++) {
            if (ids[at] == id) {
                return at;
            }
        }
        return -1;
    }
}
