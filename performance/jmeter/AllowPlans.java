import com.thoughtworks.xstream.XStream;
import java.lang.reflect.Field;
import org.apache.jmeter.NewDriver;

/**
 * Starts a JMeter that Debian has broken. Its JMeter 2.13 came before the list
 * of classes that newer releases of the library XStream want to be told before
 * they read a file, so it can read no plan ("ForbiddenClassException"). This
 * tells the library that everything may be read, as JMeter meant it, and then
 * starts JMeter. Plans are as trusted as programs: they can run code anyway.
 *
 * <p>Usage: java -cp /usr/share/jmeter/bin/ApacheJMeter.jar:/usr/share/java/xstream.jar AllowPlans.java ARGUMENTS
 */
class AllowPlans {
  public static void main(String[] arguments) throws Exception {
    Field field = NewDriver.class.getDeclaredField("loader");
    field.setAccessible(true);
    ClassLoader loader = (ClassLoader) field.get(null);
    Thread.currentThread().setContextClassLoader(loader);
    String home = System.getProperty("jmeter.home");
    Class<?> utils = Class.forName("org.apache.jmeter.util.JMeterUtils", true, loader);
    utils.getMethod("setJMeterHome", String.class).invoke(null, home);
    utils.getMethod("loadJMeterProperties", String.class).invoke(null, home + "/bin/jmeter.properties");
    Class<?> service = Class.forName("org.apache.jmeter.save.SaveService", true, loader);
    for (String saver : new String[] {"JMXSAVER", "JTLSAVER"}) {
      Field f = service.getDeclaredField(saver);
      f.setAccessible(true);
      ((XStream) f.get(null)).allowTypesByWildcard(new String[] {"**"});
    }
    NewDriver.main(arguments);
  }
}
