// Decides with policy.onnx in Java, through com.microsoft.onnxruntime:onnxruntime (Maven).
//
//   java -cp onnxruntime-1.30.0.jar Consumer.java policy.onnx candidates.bin N K D
//   (float32, little endian; prints an action a line)
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

public class Consumer {
    public static void main(String[] given) throws Exception {
        long[] shape = {Long.parseLong(given[2]), Long.parseLong(given[3]), Long.parseLong(given[4])};
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(given[1])));
        var rows = bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(1);
            try (OrtSession session = environment.createSession(given[0], options);
                    OnnxTensor candidates = OnnxTensor.createTensor(environment, rows, shape);
                    OrtSession.Result found = session.run(Map.of("candidates", candidates))) {
                long[] actions = (long[]) found.get("action").orElseThrow().getValue();
                for (long action : actions) {
                    System.out.println(action);
                }
            }
        }
    }
}
